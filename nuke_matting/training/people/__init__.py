"""Synthetic people with exact alpha and straight foreground colour, scene-linear Rec.709, drawn from CC0 assets.

`scene.person` draws who, what pose, clothes, hair, light and camera from a seed; `render.Renderer` makes pixels of it;
`stills`, `clips` and `example` write folders of them.
"""
