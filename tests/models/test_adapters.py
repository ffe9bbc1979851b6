"""Files of RVM, BGMv2 and MODNet behind the engine's contract; the files are small, random, and made here."""

import importlib.util
import json
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nuke_matting.errors import ModelError, UsageError
from nuke_matting.models.adapters.modnet import size_of
from nuke_matting.models.adapters.onnx_file import OnnxNet, providers
from nuke_matting.models.adapters.peers import format_of, kind_of, open_net, open_peer
from nuke_matting.models.adapters.published import write_ours
from nuke_matting.models.adapters.rvm import ratio_of
from nuke_matting.models.adapters.torchscript_file import TorchScriptNet
from nuke_matting.models.adapters.trial import facts
from nuke_matting.models.added import read_record
from nuke_matting.models.contract import FrameInput, Quality
from nuke_matting.models.registry import load_file

_spec = importlib.util.spec_from_file_location("peers", Path(__file__).parent / "peers.py")
peers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(peers)

QUALITY = Quality(regions=4.0, batch=64)
RVM, BGMV2 = ("rvm.torchscript", "rvm.onnx"), ("bgmv2.torchscript", "bgmv2.onnx")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The folder of a file of each kind; those of one network have the same weights."""
    folder = tmp_path_factory.mktemp("peers")
    rvm, bgmv2 = peers.Rvm(), peers.Bgmv2()
    peers.torchscript(rvm, folder / "rvm.torchscript")
    peers.torchscript(rvm, folder / "rvm_frozen.torchscript", frozen=True)
    peers.rvm_onnx(folder / "rvm.onnx", rvm.conv)
    peers.torchscript(bgmv2, folder / "bgmv2.torchscript")
    peers.bgmv2_onnx(folder / "bgmv2.onnx", bgmv2.conv)
    peers.modnet_onnx(folder / "modnet.onnx")
    return folder


@pytest.fixture(scope="module")
def opened(files):
    def open_one(name, warm_up=10):
        data = (files / name).read_bytes()
        net = open_net(data, format_of(data), "cpu")
        return open_peer(kind_of(net), net, name, "0" * 64, warm_up)

    return open_one


def image(height, width, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (height, width, 3)).astype(np.float32)


def matted(model, frame, before=()):
    """`before`: the earlier frames, nearest first, as `references` name them; `frame` for one that is not there."""
    own = model.encode(model.prepare(frame))
    memory = [own if each is frame else model.encode(model.prepare(each)) for each in before]
    return model.matte(frame, own, memory, QUALITY)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "rvm") for name in (*RVM, "rvm_frozen.torchscript")),
        *((name, "bgmv2") for name in BGMV2),
        ("modnet.onnx", "modnet"),
    ],
)
def test_the_kind_is_known_by_the_inputs(files, name, kind):
    data = (files / name).read_bytes()
    assert kind_of(open_net(data, format_of(data), "cpu")) == kind


def test_parameters_are_counted_in_frozen_files_too(files):
    plain, frozen = (TorchScriptNet((files / each).read_bytes(), "cpu") for each in (RVM[0], "rvm_frozen.torchscript"))
    assert plain.parameters == frozen.parameters == 4 * (3 * 9 + 1)


@pytest.mark.parametrize("pair", [RVM, BGMV2])
def test_both_formats_of_a_network_give_the_same_matte(opened, pair):
    clean = image(40, 64, 9)
    one, other = (
        matted(opened(name), FrameInput(image(40, 64), clean), [FrameInput(image(40, 64, 1), clean)] * 2)
        for name in pair
    )
    assert np.allclose(one.foreground, other.foreground, atol=1e-4)
    scale = one.alpha.max() / other.alpha.max()  # the small BGMv2 shows its number of regions in TorchScript alone
    assert np.allclose(one.alpha, other.alpha * scale, atol=1e-4)


def test_modnet_sees_an_anamorphic_frame_in_the_proportions_that_it_is_shown_in(opened):
    model, frame = opened("modnet.onnx"), FrameInput(image(64, 64), pixel_aspect=2.0)
    assert model.prepare(frame).shape[-2:] == size_of(64, 128)
    assert matted(model, frame).alpha.shape == (64, 64)


class TestRvm:
    """Recurrent: each frame is warmed up over those before it."""

    def long_run(self, files, frames, ratio):
        """The alphas of a run from the first frame, by the network itself."""
        module = torch.jit.load(str(files / "rvm.torchscript"))
        states, alphas = [None] * 4, []
        with torch.inference_mode():
            for frame in frames:
                plate = torch.from_numpy(frame.image.transpose(2, 0, 1))[None]
                _, alpha, *states = module(plate, *states, ratio)
                alphas.append(alpha[0, 0].numpy())
        return alphas

    @pytest.mark.parametrize("name", RVM)
    def test_near_the_head_a_frame_is_as_in_a_run_from_the_first(self, files, opened, name):
        frames = [FrameInput(image(48, 700, seed)) for seed in range(4)]
        alone = matted(opened(name), frames[-1], frames[-2::-1])
        assert np.allclose(alone.alpha, self.long_run(files, frames, ratio_of(48, 700))[-1], atol=1e-4)

    def test_far_from_it_what_is_left_out_is_small_and_smaller_the_longer_the_warm_up(self, files, opened):
        frames = [FrameInput(image(24, 32, seed)) for seed in range(16)]
        full = self.long_run(files, frames, 1.0)[-1]
        error = {}
        for warm_up in (1, 10):
            model = opened("rvm.torchscript", warm_up)
            near = [frames[offset - 1] for offset in model.references]
            error[warm_up] = np.abs(matted(model, frames[-1], near).alpha - full).max()
        assert error[1] > 0.05 and error[10] < 0.01  # its states halve with each frame: 2 ** -10

    def test_it_reads_as_many_frames_as_it_was_told(self, opened):
        assert opened("rvm.onnx", 3).references == (-1, -2, -3)

    def test_the_nearest_frame_comes_last(self, opened):
        model, near, far = opened("rvm.torchscript"), FrameInput(image(24, 32, 1)), FrameInput(image(24, 32, 2))
        given, swapped = (matted(model, FrameInput(image(24, 32)), each).alpha for each in ([near, far], [far, near]))
        assert not np.array_equal(given, swapped)

    def test_a_frame_that_is_not_there_is_left_out(self, opened):
        model, frame = opened("rvm.torchscript"), FrameInput(image(24, 32))
        assert np.array_equal(matted(model, frame, [frame] * 10).alpha, matted(model, frame).alpha)

    def test_frames_that_look_the_same_warm_it_up_and_it_says_by_how_many(self, opened):
        model, frame = opened("rvm.torchscript"), FrameInput(image(24, 32))
        frozen = matted(model, frame, [FrameInput(frame.image) for _ in range(4)] + [frame] * 6)
        assert not np.array_equal(frozen.alpha, matted(model, frame).alpha)
        assert "warmed up over 4 frames" in frozen.notes[0]

    def test_states_of_another_size_are_left_out(self, opened):
        model, frame = opened("rvm.torchscript"), FrameInput(image(24, 32))
        near, large = FrameInput(image(24, 32, 1)), FrameInput(image(30, 40, 2))
        assert np.array_equal(matted(model, frame, [near, large]).alpha, matted(model, frame, [near]).alpha)

    def test_the_same_frames_give_the_same_bits_again(self, opened):
        model = opened("rvm.torchscript")
        frames = [FrameInput(image(24, 32, seed)) for seed in range(3)]
        assert len({matted(model, frames[0], frames[1:]).alpha.tobytes() for _ in range(4)}) == 1

    def test_it_says_that_it_is_not_exact(self, opened):
        assert "recurrent" in matted(opened("rvm.torchscript"), FrameInput(image(24, 32))).notes[0]

    def test_a_frame_that_nothing_is_left_of_is_refused_by_name(self, opened):
        with pytest.raises(ModelError, match=r"1920x1 .*--model"):
            opened("rvm.torchscript").prepare(FrameInput(image(1, 1920)))

    @given(st.integers(1, 8192), st.integers(1, 8192))
    def test_the_reduced_size_is_the_same_at_any_precision_of_the_ratio(self, height, width):
        ratio = ratio_of(height, width)
        for side in (height, width):
            assert int(side * ratio) == int(np.float32(side) * np.float32(ratio))
        assert int(max(height, width) * ratio) == min(512, max(height, width))


class TestBgmv2:
    """Needs a clean plate."""

    @pytest.mark.parametrize("name", BGMV2)
    def test_without_a_clean_plate_it_says_what_it_needs(self, opened, name):
        with pytest.raises(UsageError, match="needs a clean plate.*--clean-plate"):
            matted(opened(name), FrameInput(image(24, 32)))

    @settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(height=st.integers(4, 40), width=st.integers(4, 40), name=st.sampled_from(BGMV2))
    def test_any_size_gives_a_matte_of_that_size(self, opened, height, width, name):
        matte = matted(opened(name), FrameInput(image(height, width), image(height, width, 1)))
        assert matte.alpha.shape == (height, width) and matte.foreground.shape == (height, width, 3)

    def test_the_setting_of_regions_reaches_the_network(self, opened):
        model, frame = opened("bgmv2.torchscript"), FrameInput(image(48, 64), image(48, 64, 1))
        few, many = (model.matte(frame, (), (), Quality(regions, 64)).alpha for regions in (1.0, 2.0))
        assert np.allclose(few * 2, many)

    @pytest.mark.parametrize("constant", [True, False])
    def test_a_frame_of_fewer_cells_than_its_onnx_picks_out_is_padded_and_cropped_back(self, tmp_path, constant):
        conv, frame = torch.nn.Conv2d(6, 1, 3), FrameInput(image(24, 30), image(24, 30, 1))  # 6 x 8 cells
        mattes = []
        for picks in (0, 60):
            path = peers.bgmv2_onnx(tmp_path / "bgmv2.onnx", conv, picks, constant)
            mattes.append(matted(open_peer("bgmv2", OnnxNet(path.read_bytes(), "cpu"), "bgmv2", "", 0), frame))
        plain, padded = mattes
        assert padded.alpha.shape == (24, 30) and np.allclose(plain.foreground, padded.foreground)
        assert np.allclose(plain.alpha[:-4, :-4], padded.alpha[:-4, :-4])  # what lies beyond the rest is another edge

    def test_no_more_regions_are_asked_for_than_there_are(self, opened):
        model, frame = opened("bgmv2.torchscript"), FrameInput(image(24, 32), image(24, 32, 1))
        most, more = (model.matte(frame, (), (), Quality(regions, 64)).alpha for regions in (12.0, 500.0))
        assert np.array_equal(most, more)


class TestModnet:
    """Sees a frame at a short side of 512."""

    def test_the_network_sees_multiples_of_32_between_minus_1_and_1(self, opened):
        prepared = opened("modnet.onnx").prepare(FrameInput(image(60, 100) * 3))
        assert prepared.shape == (1, 3, 512, 832) and prepared.min() >= -1 and prepared.max() == 1

    @given(st.integers(1, 20000), st.integers(1, 20000))
    def test_no_size_is_too_small_or_too_large_for_it(self, height, width):
        assert all(side % 32 == 0 and 32 <= side <= 2048 for side in size_of(height, width))

    def test_the_alpha_has_the_size_of_the_frame(self, opened):
        matte = matted(opened("modnet.onnx"), FrameInput(image(30, 50)))
        assert matte.alpha.shape == (30, 50) and 0 <= matte.alpha.min() < matte.alpha.max() <= 1


@pytest.mark.parametrize("name", [*RVM, *BGMV2, "modnet.onnx"])
def test_highlights_of_the_foreground_stay(opened, name):
    frame = FrameInput(np.full((16, 16, 3), 4.0, np.float32), image(16, 16))
    assert matted(opened(name), frame).foreground.min() > 3.8


def test_onnx_on_cuda_is_to_give_the_same_bits_in_every_process_and_whole_fp32():
    (name, options), other = providers("cuda:1")
    assert (name, other) == ("CUDAExecutionProvider", "CPUExecutionProvider")
    assert options == {"device_id": 1, "cudnn_conv_algo_search": "DEFAULT", "use_tf32": 0}
    assert providers("cpu") == ["CPUExecutionProvider"]


class TestFilesThatAreNotToBeTrusted:
    """Nothing but the runtimes themselves opens a file, and what it gives is looked at."""

    class Odd(peers.Rvm):
        """RVM's inputs, and outputs that are not its own."""

        def __init__(self, broken: float = 0.0):
            super().__init__()
            self.broken = broken

        def forward(
            self,
            src,
            r1: torch.Tensor | None = None,
            r2: torch.Tensor | None = None,
            r3: torch.Tensor | None = None,
            r4: torch.Tensor | None = None,
            downsample_ratio: float = 1.0,
        ):
            if self.broken == 0:
                return [src] * 6
            return [src, self.conv(src)[:, :1] / (1 - self.broken), src, src, src, src]

    @pytest.mark.parametrize(("broken", "says"), [(0.0, r"gave \(1, 3, 24, 32\)"), (1.0, "not finite")])
    def test_an_alpha_that_is_none_is_refused(self, tmp_path, broken, says):
        data = peers.torchscript(self.Odd(broken), tmp_path / "odd.torchscript").read_bytes()
        model = open_peer("rvm", open_net(data, "torchscript", "cpu"), "odd", "", 10)
        with pytest.raises(ModelError, match=says):
            matted(model, FrameInput(image(24, 32)))

    def test_what_its_program_raises_is_told_in_one_line(self, opened):
        model = opened("bgmv2.torchscript")
        sides = {name: torch.zeros(1, 3, 6, 8) for name in ("src", "bgr")}  # which it asserts to be multiples of 4
        with pytest.raises(ModelError, match="the network failed") as told:
            model._net.run(sides, ("pha", "fgr"))
        assert "\n" not in str(told.value)

    def test_a_network_of_other_inputs_is_refused(self, tmp_path):
        path = peers.torchscript(torch.nn.Conv2d(3, 1, 3), tmp_path / "conv.pt")
        with pytest.raises(ModelError, match="not known.*--kind"):
            kind_of(TorchScriptNet(path.read_bytes(), "cpu"))

    def test_a_pickle_of_more_than_tensors_is_not_opened(self, tmp_path):
        class Trap:
            def __reduce__(self):
                return Path.touch, (tmp_path / "sprung",)

        torch.save(Trap(), tmp_path / "zip.pth")
        (tmp_path / "bare.pth").write_bytes(pickle.dumps(Trap()))
        for path in (tmp_path / "zip.pth", tmp_path / "bare.pth"):
            with pytest.raises(ModelError, match="pickle"):
                facts(path, tmp_path / "ours", "trap", "", 10, _sha256(path))
        assert not (tmp_path / "sprung").exists() and not (tmp_path / "ours").exists()

    @pytest.mark.parametrize("held", [{"a": torch.zeros(3)}, {"a": 1}, torch.zeros(3), {1: torch.zeros(3)}, []])
    def test_tensors_of_no_known_network_are_refused(self, tmp_path, held):
        torch.save(held, tmp_path / "other.pth")
        with pytest.raises(ModelError, match="fit no network|tensors by name"):
            write_ours((tmp_path / "other.pth").read_bytes(), tmp_path / "ours", "other")
        assert not (tmp_path / "ours").exists()

    @settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda data: b"PK\x03\x04" + data))
    @example(b"\x80")
    def test_any_other_bytes_are_refused_in_one_line(self, tmp_path, data):
        path = tmp_path / "any.onnx"
        path.write_bytes(data)
        with pytest.raises(ModelError) as refusal:
            facts(path, tmp_path / "ours", "any", "", 10, _sha256(path))
        assert "\n" not in str(refusal.value)

    def test_an_onnx_file_that_reads_other_files_is_refused(self, files):
        model = onnx.load(str(files / "modnet.onnx"))
        weight = model.graph.initializer[0]
        weight.data_location = onnx.TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="../secret")
        with pytest.raises(ModelError, match="other files"):
            OnnxNet(model.SerializeToString(), "cpu")

    def test_a_file_of_others_is_to_be_added_first(self, files):
        with pytest.raises(ModelError, match=r"model add .*rvm\.onnx"):
            load_file(files / "rvm.onnx", "cpu", "fp32")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    spoilt=st.dictionaries(
        st.sampled_from(["name", "file", "warm_up", "size", "parameters", "more"]), anything, min_size=1
    )
    | anything
)
def test_a_record_that_is_none_is_a_clear_error(tmp_path, spoilt):
    about = {"name": "a", "kind": "rvm", "format": "onnx", "file": "a.onnx", "source": "x", "digest": "0", "size": 1}
    about |= {"licence": "", "warm_up": 1, "precision": "fp32", "parameters": 1}
    about |= {"gmacs_512": 1, "gmacs_hd": 1.5, "gmacs_4k": 2}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(about))
    assert read_record(path).file == "a.onnx"
    path.write_text(json.dumps({**about, **spoilt} if isinstance(spoilt, dict) else spoilt))
    try:
        record = read_record(path)
    except ModelError as error:
        assert "a.json" in str(error) and "\n" not in str(error)
    else:
        assert record.name == "a" and "/" not in record.file and 0 <= record.warm_up <= 1000


def _sha256(path):
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()
