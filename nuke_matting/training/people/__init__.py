"""Synthetic people with exact alpha and straight foreground colour, scene-linear Rec.709, drawn from CC0 assets.

`person.draw_person` draws who it is, `pose.draw_pose` the pose, `light.draw_light` the light, `scene` puts them
before a camera, `render.Renderer` makes pixels of it, all from one seeded generator;
`stills`, `clips` and `example` write folders of them.
"""
