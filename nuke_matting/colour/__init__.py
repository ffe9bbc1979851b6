"""Colour management by OpenColorIO: from the plate's space to the space that the networks see, and back.

`config` finds the OCIO config, `choose` the plate's space in it, `processor` makes the two into a `ColourPipe`;
`names` and `gamuts` look spaces up, `interchange` ties configs together, `model_space` defines what the networks see.
"""
