"""The node classes that we emit or meet in tests, and their knobs as saved scripts and Nuke's documentation have them.

A knob's value here is its default; a tuple is an enumeration, its first item the default; `File`, `Channel` and
`Button` are what they say.
"""


class File(str):
    """A file name."""


class Channel(str):
    """A channel."""


class Button(str):
    """Does something when it is executed."""


class Vector(tuple):
    """Several numbers."""

    __slots__ = ()


NUKE_SPACES = ("default (linear)", "linear", "sRGB", "rec709", "Cineon", "Gamma1.8", "AlexaV3LogC")
OCIO_SPACES = ("default (scene_linear)", "scene_linear (ACES - ACEScg)", "ACES - ACEScg", "ACES - ACES2065-1", "ACEScg")
OCIO_SPACES += ("ARRI LogC3 (EI800)", "default (compositing_log)", "compositing_log (ACEScct)")

_TEXTS = "name label help onCreate onDestroy knobChanged updateUI autolabel note_font icon"
_NUMBERS = "tile_color gl_color note_font_size note_font_color indicators lifetimeStart lifetimeEnd postage_stamp_frame"
_SWITCHES = "selected hide_input cached dope_sheet bookmark postage_stamp useLifetime lock_connections panel"

# the knobs of every node: none of another's may have such a name
ALL = {
    **dict.fromkeys(_TEXTS.split(), ""),
    **dict.fromkeys(_NUMBERS.split(), 0.0),
    **dict.fromkeys(_SWITCHES.split(), False),
    "xpos": 0,
    "ypos": 0,
}

_FILE_COLOUR = {
    "raw": False,
    "colorspace": (*NUKE_SPACES, *OCIO_SPACES),
    "file_type": ("", "exr", "dpx", "png", "jpeg"),
}

CLASSES = {
    "Root": {
        "name": "",
        "first_frame": 1,
        "last_frame": 100,
        "frame": 1,
        "proxy": False,
        "colorManagement": ("Nuke", "OCIO"),
        "OCIO_config": ("nuke-default", "aces_1.2", "custom"),
        "customOCIOConfigPath": File(""),
        "OCIOConfigPath": File("/opt/Nuke/plugins/OCIOConfigs/configs/nuke-default/config.ocio"),
        "project_directory": File(""),
        "workingSpaceLUT": "linear",
        "floatLut": "linear",
        "onScriptLoad": "",
    },
    "Group": {"disable": False},
    "Input": {"number": 0},
    "Output": {"number": 0},
    "Dot": {},
    "NoOp": {"disable": False},
    "PostageStamp": {"disable": False},
    "Read": {
        "file": File(""),
        "proxy": File(""),
        "first": 1,
        "last": 1,
        "origfirst": 1,
        "origlast": 1,
        "origset": False,
        "before": ("hold", "loop", "bounce", "black"),
        "after": ("hold", "loop", "bounce", "black"),
        "on_error": ("error", "black", "checkerboard", "nearest frame"),
        "frame_mode": ("expression", "start at", "offset"),
        "frame": "",
        "format": "",
        "disable": False,
        "auto_alpha": False,
        "premultiplied": False,
        "localizationPolicy": ("from auto-localize path", "on", "on demand", "off"),
        "reload": Button(""),
        "version": 0,
        **_FILE_COLOUR,
    },
    "DeepRead": {
        "file": File(""),
        "first": 1,
        "last": 1,
        "frame_mode": ("expression", "start at", "offset"),
        "frame": "",
    },
    "Write": {
        "file": File(""),
        "channels": "rgb",
        "datatype": ("16 bit half", "32 bit float"),
        "compression": ("Zip (1 scanline)", "none", "RLE", "Zip (16 scanlines)"),
        "create_directories": False,
        "use_limit": False,
        "reading": False,
        "first": 1,
        "last": 1,
        "disable": False,
        "beforeRender": "",
        "beforeFrameRender": "",
        "version": 0,
        **_FILE_COLOUR,
    },
    "DeepWrite": {"file": File(""), "reading": False, "disable": False},
    "Precomp": {"file": File(""), "reading": False, "disable": False},
    "Roto": {
        "curves": "",
        "output": "alpha",
        "toolbox": "",
        "toolbar_brush_hardness": 0.2,
        "colorOverlay": 0.0,
        "disable": False,
    },
    "OFXcom.revisionfx.twixtor_v1.0": {"disable": False},
    "TemporalMedian": {"disable": False},
    "add32p": {},
    "Copy": {
        **{f"{way}{number}": Channel("none") for number in range(4) for way in ("from", "to")},
        "bbox": ("union", "B", "A", "intersection"),
        "disable": False,
    },
    "Shuffle": {each: (each, "black", "white", "red", "green", "blue", "alpha") for each in ("red", "green", "blue")}
    | {"alpha": ("alpha", "black", "white", "red", "green", "blue"), "disable": False},
    "Switch": {"which": 0.0, "disable": False},
    "VariableSwitch": {"variable": "", "disable": False},
    "Rectangle": {
        "area": Vector((0, 0, 0, 0)),
        "color": Vector((1, 1, 1, 1)),
        "opacity": 1.0,
        "disable": False,
    },
    "Merge2": {"operation": ("over", "plus", "multiply", "copy"), "disable": False},
    "OneView": {"view": "left", "disable": False},
    "Grade": {"white": 1.0, "multiply": 1.0, "add": 0.0, "disable": False},
    "TimeOffset": {"time_offset": 0.0, "disable": False},
    "Crop": {"box": Vector((0, 0, 0, 0)), "crop": True, "reformat": False, "disable": False},
    "Inference": {
        "modelFile": File(""),
        "useGPUIfAvailable": True,
        "halfPrecision": False,
        "serialiseKnob": "",
        "disable": False,
    },
    "CatFileCreator": {
        "torchScriptFile": File(""),
        "catFile": File(""),
        "channelsIn": "",
        "channelsOut": "",
        "modelId": "",
        "outputScale": 1.0,
        "createCatFile": Button(""),
    },
    "Viewer": {"frame_range": "1-100", "monitorOutOutputTransform": ""},
    "BackdropNode": {},
}
SOURCES = ("Read", "Input")  # take no input
