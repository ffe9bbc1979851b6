"""Models of others, from files that users have: TorchScript and ONNX behind the contract of `models/contract.py`.

    net.py              what every file does once it is open: named tensors in, tensors out
    torchscript_file.py, onnx_file.py   the two kinds of file
    rvm.py, bgmv2.py, modnet.py         the networks that are known, by the interface they were published with
    peers.py            which file is which network, and opening it
    trial.py            a file that nobody knows yet, tried in a process of its own

None of these files comes with the package, nor is one fetched: its user adds it, and with it accepts its licence and
the risk. TorchScript is a program: it runs with the rights of the one who runs it.
"""
