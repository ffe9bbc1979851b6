"""The GLSL of the people's renderer: skin, cloth, hair cards, hair strands, eyes; light, shadows, patterns."""

# ruff: noqa: E501  # GLSL reads better with a formula on a line
from __future__ import annotations

MESH_VERTEX = """
#version 430
in vec3 position; in vec3 normal; in vec2 uv; in vec4 tint; in vec3 rest;
uniform mat4 camera; uniform bool trimmed;
out vec3 v_position; out vec3 v_normal; out vec2 v_uv; out vec4 v_tint; out vec3 v_rest;
void main() {
    v_position = position; v_normal = normal; v_uv = uv; v_tint = tint; v_rest = rest;
    gl_Position = camera * vec4(position, 1.0);
    gl_ClipDistance[0] = trimmed ? uv.x : 1.0;  // cut clothes keep how far inside the cut they are in u
}
"""

_LIGHT = """
#version 430
uniform vec3 eye; uniform vec3 ambient[9];
uniform vec3 key_direction; uniform vec3 key_colour; uniform vec3 rim_direction; uniform vec3 rim_colour;
uniform mat4 key_view; uniform mat4 top_view;
uniform sampler2DShadow key_shadow; uniform sampler2DShadow top_shadow;

vec3 around(vec3 d) {  // ambient light from a hemisphere about d
    vec3 e = ambient[0] * 0.282095 + (ambient[1] * d.y + ambient[2] * d.z + ambient[3] * d.x) * 0.488603
        + (ambient[4] * d.x * d.y + ambient[5] * d.y * d.z + ambient[7] * d.x * d.z) * 1.092548
        + ambient[6] * 0.315392 * (3.0 * d.z * d.z - 1.0) + ambient[8] * 0.546274 * (d.x * d.x - d.y * d.y);
    return max(e, vec3(0.02));
}
float hash(vec3 p) { p = fract(p * 0.3183099 + vec3(0.71, 0.113, 0.419)); p *= 17.0; return fract(p.x * p.y * p.z * (p.x + p.y + p.z)); }
float noise(vec3 x) {
    vec3 i = floor(x), f = fract(x); f = f * f * (3.0 - 2.0 * f);
    return mix(mix(mix(hash(i), hash(i + vec3(1,0,0)), f.x), mix(hash(i + vec3(0,1,0)), hash(i + vec3(1,1,0)), f.x), f.y),
               mix(mix(hash(i + vec3(0,0,1)), hash(i + vec3(1,0,1)), f.x), mix(hash(i + vec3(0,1,1)), hash(i + vec3(1,1,1)), f.x), f.y), f.z);
}
vec3 slope(vec3 x) {  // of the noise
    vec3 i = floor(x), f = fract(x), u = f * f * (3.0 - 2.0 * f);
    float a = hash(i), b = hash(i + vec3(1,0,0)), c = hash(i + vec3(0,1,0)), d = hash(i + vec3(1,1,0));
    float e = hash(i + vec3(0,0,1)), g = hash(i + vec3(1,0,1)), h = hash(i + vec3(0,1,1)), k = hash(i + vec3(1));
    return 6.0 * f * (1.0 - f) * vec3(
        mix(mix(b - a, d - c, u.y), mix(g - e, k - h, u.y), u.z),
        mix(mix(c - a, d - b, u.x), mix(h - e, k - g, u.x), u.z),
        mix(mix(e - a, g - b, u.x), mix(h - c, k - d, u.x), u.y));
}
vec2 turned(vec3 p) { float a = hash(p * 37.0) * 6.2832; return vec2(cos(a), sin(a)); }
float lit(sampler2DShadow map, mat4 view, vec3 p, vec2 turn, float spread) {  // share of a light far away that reaches p
    vec3 c = (view * vec4(p, 1.0)).xyz * 0.5 + 0.5;
    if (any(lessThan(c.xy, vec2(0.0))) || any(greaterThan(c.xy, vec2(1.0)))) return 1.0;
    vec2 x = turn * spread, y = vec2(-x.y, x.x);
    return 0.25 * (texture(map, vec3(c.xy + 0.353553 * x, c.z)) + texture(map, vec3(c.xy - 0.451544 * x + 0.413652 * y, c.z))
        + texture(map, vec3(c.xy + 0.069116 * x - 0.787542 * y, c.z)) + texture(map, vec3(c.xy + 0.569139 * x + 0.742344 * y, c.z)));
}
"""

_MESH_FRAGMENT = (
    _LIGHT
    + """
in vec3 v_position; in vec3 v_normal; in vec2 v_uv; in vec4 v_tint; in vec3 v_rest;
uniform sampler2D picture; uniform vec3 hair_colour; uniform float gloss; uniform float shine;
uniform int pattern; uniform vec3 second; uniform float scale; uniform float wrinkle;
uniform float iris_size; uniform vec3 iris_colour;
out vec4 colour;

float figure(vec3 p) {  // share of the pattern's second colour
#if FIGURE == 1
    if (pattern == 1) return smoothstep(0.45, 0.5, abs(fract(p.y * scale) - 0.5) * 1.6);
    if (pattern == 2) return smoothstep(0.45, 0.5, abs(fract((p.x + p.z * 0.7) * scale) - 0.5) * 1.6);
    if (pattern == 3) return 0.5 * step(0.5, fract(p.y * scale)) + 0.5 * step(0.5, fract((p.x + p.z * 0.7) * scale));
    if (pattern == 4) return abs(step(0.5, fract(p.y * scale)) - step(0.5, fract((p.x + p.z * 0.7) * scale)));
    vec2 c = fract(vec2(p.x + p.z * 0.7, p.y) * scale) - 0.5;
    return 1.0 - smoothstep(0.22, 0.28, length(c));
#elif FIGURE == 2
    float n = noise(pattern == 6 ? p * scale * 0.8 : pattern == 7 ? p * vec3(1.0, 0.15, 1.0) * scale * 3.0 : floor(p * scale * 2.0));
    if (pattern == 6) return smoothstep(0.48, 0.52, n * 0.6 + noise(p * scale * 2.1) * 0.4);
    return pattern == 7 ? smoothstep(0.3, 0.7, n) : step(0.25, 0.55 * n);
#else
    return 0.0;
#endif
}

void main() {
    vec3 view = normalize(eye - v_position), n = normalize(v_normal);
#if MODE != 0 && MODE != 4
    if (dot(n, view) < 0.0) n = -n;
#endif
#if TEXTURED
    vec4 tex = texture(picture, v_uv);
#else
    vec4 tex = vec4(1.0);
#endif
    vec3 base = tex.rgb;
    float spec_size = gloss, spec_power = shine;
    vec3 wrap = vec3(0.05);
#if MODE == 0  // skin
    base *= v_tint.rgb;
    float blotch = noise(v_rest * 6.0) * 0.5 + noise(v_rest * 25.0) * 0.5;
    base *= mix(vec3(0.93, 0.90, 0.90), vec3(1.06), blotch);
    base = mix(base, hair_colour * (0.5 + 0.6 * noise(v_rest * 60.0)), v_tint.a);
    spec_size *= 1.0 - v_tint.a; wrap = vec3(0.32, 0.16, 0.12);
    n = normalize(n + (vec3(noise(v_rest * 40.0), noise(v_rest * 40.0 + 7.0), noise(v_rest * 40.0 + 13.0)) - 0.5) * 0.10);
#elif MODE == 1  // cloth: the texture, or its brightness in a colour of our own
    float bright = dot(base, vec3(0.2126, 0.7152, 0.0722));
    vec3 own = mix(v_tint.rgb, second, figure(v_rest)) * (TEXTURED == 1 ? clamp(bright * 3.0 + 0.3, 0.3, 1.6) : 1.0);
    base = mix(base * v_tint.rgb, own, v_tint.a);
    base *= 0.86 + 0.28 * noise(v_rest * 30.0) * noise(v_rest * 4.0) + 0.08 * noise(v_rest * 90.0);
    vec3 p = v_rest * vec3(1.3, 1.0, 1.3) + vec3(noise(v_rest * 1.1), noise(v_rest * 1.1 + 5.0), 0.0) * 1.5;
    n = normalize(n - (slope(p) + 0.5 * slope(p * 3.1)) * wrinkle);
#elif MODE == 2  // hair, brows and lashes on cards: blended, or cover as many samples as the alpha says
    float bright = dot(base, vec3(0.2126, 0.7152, 0.0722));
    base = mix(base * v_tint.rgb, v_tint.rgb * clamp(bright * 4.0 + 0.25, 0.25, 2.0), v_tint.a);
    float solid = clamp(tex.a * 1.15 - 0.03, 0.0, 1.0);
#if SAMPLES > 1
    float chance = hash(vec3(gl_FragCoord.xy * 0.731, float(gl_PrimitiveID % 977) * 1.37));
    int count = int(floor(solid * SAMPLES + chance)), begin = int(floor(fract(chance * 7.13) * SAMPLES));
    int mask = (1 << min(count, SAMPLES)) - 1;
    gl_SampleMask[0] = ((mask << begin) | (mask >> (SAMPLES - begin))) & ((1 << SAMPLES) - 1);
#endif
#elif MODE == 4  // an eyeball: tint holds the direction from its centre, z is forward
    vec3 ahead = normalize(v_tint.rgb);
    float r = acos(clamp(ahead.z, -1.0, 1.0)) / iris_size, a = atan(ahead.y, ahead.x);
    vec3 iris = iris_colour * (0.6 + 0.7 * noise(vec3(a * 9.0, r * 3.0, 1.0))) * (1.0 - 0.55 * smoothstep(0.8, 1.0, r));
    base = mix(vec3(0.66, 0.60, 0.57), iris, 1.0 - smoothstep(0.95, 1.05, r));
    base = mix(vec3(0.01), base, smoothstep(0.36, 0.44, r));
    base *= 0.75;
#else
    base *= v_tint.rgb;
#endif
    vec2 turn = turned(v_position);
    float open_top = mix(0.42, 1.0, lit(top_shadow, top_view, v_position + n * 0.06, turn, 0.03));
    vec3 sum = base * around(n) * open_top;
    float d = dot(n, key_direction);
    float clear = lit(key_shadow, key_view, v_position + n * 0.05, turn, 0.006);
    vec3 k = clamp((vec3(d) + wrap) / (1.0 + wrap), 0.0, 1.0) * mix(vec3(clear), vec3(1.0), wrap * 0.35);
    sum += base * key_colour * k;
    float away = 1.0 - clamp(dot(n, view), 0.0, 1.0), f = away * away * away * away * away;
    vec3 h1 = normalize(key_direction + view);
    sum += key_colour * clear * step(0.0, d) * spec_size * (0.3 + f) * (spec_power + 8.0) / 25.0 * pow(max(dot(n, h1), 0.0), spec_power);
#if RIM
    float rim = max(dot(n, rim_direction), 0.0);
    vec3 h2 = normalize(rim_direction + view);
    sum += rim_colour * (base * rim + step(0.001, rim) * spec_size * (0.3 + f) * (spec_power + 8.0) / 25.0 * pow(max(dot(n, h2), 0.0), spec_power));
#endif
    sum += around(reflect(-view, n)) * spec_size * (0.12 + 0.9 * f) * open_top;
#if MODE == 4
    sum += (key_colour * clear) * 2.0 * pow(max(dot(normalize(v_normal), h1), 0.0), 300.0);
#endif
    colour = vec4(sum, 1.0);
#if MODE == 2 && SAMPLES == 1
    colour *= solid;
#endif
}
"""
)

# Hair is lit at its vertices: its triangles are far smaller than the blocks of pixels that a rasteriser shades.
STRAND_VERTEX = (
    _LIGHT
    + """
in vec3 position; in vec3 tangent; in float side; in vec3 colour; in vec3 outward; in float along;
uniform mat4 camera; uniform float widen; uniform float shine; uniform bool lit_here;
out vec3 v_colour;
float along_spec(vec3 t, vec3 l, vec3 view, float shift, float power) {
    vec3 h = normalize(l + view); float c = dot(normalize(t + normalize(outward) * shift), h);
    return pow(max(1.0 - c * c, 0.0), power * 0.5);
}
vec3 shade(vec3 p) {
    vec3 view = normalize(eye - p), t = normalize(tangent), o = normalize(outward + 0.35 * view);
    float deep = mix(0.45, 1.0, smoothstep(0.0, 0.5, along));
    vec2 turn = turned(p);
    float open_top = mix(0.45, 1.0, lit(top_shadow, top_view, p + o * 0.25, turn, 0.03));
    vec3 sum = colour * around(o) * deep * open_top;
    float clear = lit(key_shadow, key_view, p + o * 0.15, turn, 0.01);
    float c = dot(t, key_direction);
    float facing = smoothstep(-0.5, 0.6, dot(o, key_direction));
    sum += key_colour * clear * facing * deep * (colour * sqrt(max(1.0 - c * c, 0.0)) * 0.8
        + shine * (0.12 * along_spec(t, key_direction, view, -0.1, 90.0) + colour * 0.9 * along_spec(t, key_direction, view, 0.12, 25.0)));
    float r = dot(t, rim_direction);
    sum += rim_colour * open_top * smoothstep(-0.3, 0.6, dot(outward, rim_direction)) * (colour * 0.8 + shine * 0.04) * sqrt(max(1.0 - r * r, 0.0));
    return sum;
}
void main() {
    vec3 across = normalize(cross(tangent, eye - position) + vec3(1e-6));
    vec3 p = position + across * side * widen;  // a ribbon that faces the eye
    v_colour = lit_here ? shade(position) : vec3(0.0);
    gl_Position = camera * vec4(p, 1.0);
    gl_ClipDistance[0] = 1.0;
}
"""
)

STRAND_FRAGMENT = """
#version 430
in vec3 v_colour;
out vec4 colour;
void main() { colour = vec4(v_colour, 1.0); }
"""


def mesh_fragment(mode: int, textured: bool, pattern: int, rim: bool, samples: int) -> str:
    """The fragment shader of one kind of surface, with or without a rim light, as a software rasteriser goes through both sides of every branch. samples : that share what is shaded."""
    figure = 0 if pattern == 0 else 1 if pattern < 6 else 2
    kind = f"#define MODE {mode}\n#define TEXTURED {int(textured)}\n#define FIGURE {figure}\n#define RIM {int(rim)}\n#define SAMPLES {samples}"
    return _MESH_FRAGMENT.replace("#version 430", f"#version 430\n{kind}", 1)


DEPTH_FRAGMENT = """
#version 430
void main() {}
"""

CARD_DEPTH_FRAGMENT = """
#version 430
in vec2 v_uv; uniform sampler2D picture;
void main() { if (texture(picture, v_uv).a < 0.5) discard; }
"""

SCREEN_VERTEX = """
#version 430
void main() { gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0); gl_ClipDistance[0] = 1.0; }
"""


def average_fragment(side: int, samples: int) -> str:
    """The mean of the samples of a pixel, which has `side` by `side` of the sampled picture's, `samples` in each."""
    each = (
        f"texelFetch(picture, at + ivec2({x}, {y}), {s})"  # of one sample the last is the level, else the sample
        for y in range(side)
        for x in range(side)
        for s in range(samples)
    )
    return f"""
#version 430
uniform sampler2D{"MS" if samples > 1 else ""} picture;
out vec4 colour;
void main() {{
    ivec2 at = ivec2(gl_FragCoord.xy) * {side};
    colour = ({" + ".join(each)}) / {side * side * samples}.0;
}}
"""
