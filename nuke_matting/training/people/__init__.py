"""Synthetic people with exact alpha and straight foreground colour, scene-linear Rec.709, drawn from CC0 assets.

`person.draw_person` draws who it is, `adornments` adds fine things, `pose.draw_pose` draws the pose and `motion` its
changes, `light.draw_light` the light, `scene` puts them before a camera, `render.Renderer` makes pixels of it, all from
one seeded generator; `stills`, `clips` and `example` write folders of them.
"""
