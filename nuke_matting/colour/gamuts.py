"""The RGB primaries that a file may state, and the scene-linear space that each means."""

from __future__ import annotations

_TOLERANCE = 0.001  # of an x or a y; the closest two gamuts below are 0.019 apart

# interop ID or alias of the scene-linear space -> x, y of red, green, blue, white
_GAMUTS: dict[str, tuple[float, ...]] = {
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767),  # SMPTE ST 2065-1
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767),  # AMPAS S-2014-004, ACEScg
    "lin_rec709_scene": (0.64, 0.33, 0.3, 0.6, 0.15, 0.06, 0.3127, 0.329),  # ITU-R BT.709
    "lin_rec2020_scene": (0.708, 0.292, 0.17, 0.797, 0.131, 0.046, 0.3127, 0.329),  # ITU-R BT.2020
    "lin_p3d65_scene": (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329),  # SMPTE EG 432-1
    "lin_adobergb_scene": (0.64, 0.33, 0.21, 0.71, 0.15, 0.06, 0.3127, 0.329),  # Adobe RGB (1998)
    "lin_arri_wide_gamut_3": (0.684, 0.313, 0.221, 0.848, 0.0861, -0.102, 0.3127, 0.329),
    "lin_arri_wide_gamut_4": (0.7347, 0.2653, 0.1424, 0.8576, 0.0991, -0.0308, 0.3127, 0.329),
    "lin_redwidegamutrgb": (0.780308, 0.304253, 0.121595, 1.493994, 0.095612, -0.084589, 0.3127, 0.329),
    "lin_sgamut3": (0.73, 0.28, 0.14, 0.855, 0.1, -0.05, 0.3127, 0.329),
    "lin_sgamut3cine": (0.766, 0.275, 0.225, 0.8, 0.089, -0.087, 0.3127, 0.329),
    "lin_cinemagamut_d55": (0.74, 0.27, 0.17, 1.14, 0.08, -0.1, 0.3127, 0.329),
    "lin_bmd_widegamut_gen5": (0.7177215, 0.3171181, 0.228041, 0.861569, 0.1005841, -0.0820452, 0.312717, 0.3290312),
    "lin_davinci_widegamut": (0.8, 0.313, 0.1682, 0.9877, 0.079, -0.1155, 0.3127, 0.329),
    "lin_vgamut": (0.73, 0.28, 0.165, 0.84, 0.1, -0.03, 0.3127, 0.329),
}


def linear_space_of(chromaticities: tuple[float, ...]) -> str | None:
    """The ID of the scene-linear space with these primaries, or None where they are no gamut that is known here.

    chromaticities : eight floats, x and y of red, green, blue and white, as EXR's `chromaticities`.

    >>> linear_space_of((0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.3217, 0.3377))
    'lin_ap1_scene'
    """
    if len(chromaticities) != 8:
        return None
    for name, known in _GAMUTS.items():
        if all(abs(given - value) <= _TOLERANCE for given, value in zip(chromaticities, known, strict=True)):
            return name
    return None
