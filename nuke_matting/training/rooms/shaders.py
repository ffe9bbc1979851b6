"""The GLSL of the rooms: depth, ambient occlusion from depth, sky, and surfaces under sun, lamps and ambient light."""

# ruff: noqa: E501  # GLSL reads better with a formula on a line
from __future__ import annotations

LAMPS = 8

DEPTH_VERTEX = """
#version 430
in vec3 position; uniform mat4 camera; invariant gl_Position;
void main() { gl_Position = camera * vec4(position, 1.0); gl_ClipDistance[0] = 1.0; }
"""

DEPTH_FRAGMENT = """
#version 430
void main() {}
"""

SCREEN_VERTEX = """
#version 430
out vec2 v_at;
void main() { v_at = vec2(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0); gl_Position = vec4(v_at, 0.999999, 1.0); gl_ClipDistance[0] = 1.0; }
"""

# How open a point is: the share of samples about it, on its side, that nothing near in front of them hides.
OCCLUSION_FRAGMENT = """
#version 430
in vec2 v_at; out float open;
uniform sampler2D depth; uniform float near; uniform float far; uniform vec2 half_field; uniform float reach;
float away(vec2 at) { float z = texture(depth, at).r * 2.0 - 1.0; return 2.0 * near * far / (far + near - z * (far - near)); }
vec3 point(vec2 at) { float d = away(at); return vec3((at * 2.0 - 1.0) * half_field * d, -d); }
void main() {
    vec2 at = v_at * 0.5 + 0.5, texel = 1.0 / vec2(textureSize(depth, 0));
    vec3 p = point(at);
    vec3 r = point(at + vec2(texel.x, 0.0)) - p, l = p - point(at - vec2(texel.x, 0.0));
    vec3 u = point(at + vec2(0.0, texel.y)) - p, d = p - point(at - vec2(0.0, texel.y));
    vec3 n = normalize(cross(abs(r.z) < abs(l.z) ? r : l, abs(u.z) < abs(d.z) ? u : d));
    float turn = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) * 6.2832, hidden = 0.0;
    for (int i = 0; i < 12; i++) {
        float a = turn + float(i) * 2.399963, s = (float(i) + 0.5) / 12.0;
        vec2 step = vec2(cos(a), sin(a)) * s * reach / (half_field * -p.z) * 0.5;
        vec3 v = point(at + clamp(step, -0.25, 0.25)) - p;
        float far2 = dot(v, v);
        hidden += max(dot(v, n) - 0.02 * -p.z * 0.3, 0.0) / (sqrt(far2) + 0.02) * (1.0 - smoothstep(0.3, 1.0, far2 / (reach * reach)));
    }
    open = clamp(1.0 - hidden / 12.0 * 1.9, 0.0, 1.0);
}
"""

SKY_FRAGMENT = """
#version 430
in vec2 v_at; out vec4 colour;
uniform mat3 turn; uniform vec2 half_field; uniform sampler2D sky; uniform float sky_turn; uniform float sky_scale;
void main() {
    vec3 d = normalize(turn * vec3(v_at * half_field, -1.0));
    vec2 at = vec2(atan(d.x, -d.z) / 6.2831853 + 0.5 + sky_turn / 6.2831853, acos(clamp(d.y, -1.0, 1.0)) / 3.14159265);
    colour = vec4(textureLod(sky, at, 0.0).rgb * sky_scale, 1.0);
}
"""

VERTEX = """
#version 430
in vec3 position; in vec3 normal; in vec2 uv; in float material;
uniform mat4 camera; invariant gl_Position;
out vec3 v_position; out vec3 v_normal; out vec2 v_uv; flat out int v_material;
void main() {
    v_position = position; v_normal = normal; v_uv = uv; v_material = int(material + 0.5);
    gl_Position = camera * vec4(position, 1.0);
    gl_ClipDistance[0] = 1.0;  // the context that people are drawn in cuts by it
}
"""

FRAGMENT = (
    """
#version 430
#define LAMPS """
    + str(LAMPS)
    + """
in vec3 v_position; in vec3 v_normal; in vec2 v_uv; flat in int v_material;
uniform vec3 eye; uniform vec3 ambient[9]; uniform vec3 key_direction; uniform vec3 key_colour;
uniform vec4 lamp_at[LAMPS]; uniform vec3 lamp_colour[LAMPS]; uniform int lamps;
uniform mat4 key_view; uniform mat4 lamp_view;
uniform sampler2DShadow key_shadow; uniform sampler2DShadow lamp_shadow;
uniform sampler2D materials; uniform sampler2DArray bank; uniform sampler2DArray pictures; uniform sampler2D occlusion;
uniform vec2 size; uniform float key_spread;
out vec4 colour;

vec3 around(vec3 d) {
    vec3 e = ambient[0] * 0.282095 + (ambient[1] * d.y + ambient[2] * d.z + ambient[3] * d.x) * 0.488603
        + (ambient[4] * d.x * d.y + ambient[5] * d.y * d.z + ambient[7] * d.x * d.z) * 1.092548
        + ambient[6] * 0.315392 * (3.0 * d.z * d.z - 1.0) + ambient[8] * 0.546274 * (d.x * d.x - d.y * d.y);
    return max(e, vec3(0.015));
}
float lit(sampler2DShadow map, mat4 view, vec3 p, float spread, bool facing) {  // loops without rounds cost nothing, branches do
    vec4 q = view * vec4(p, 1.0);
    if (q.w <= 0.0) return 1.0;
    vec3 c = q.xyz / q.w * 0.5 + 0.5;
    if (any(lessThan(c.xy, vec2(0.0))) || any(greaterThan(c.xy, vec2(1.0)))) return 1.0;
    float turn = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715)))) * 6.2832, sum = 0.0;
    int taps = facing ? 4 : 0;
    for (int i = 0; i < taps; i++) {
        float a = turn + float(i) * 2.399963, r = sqrt((float(i) + 0.5) / 4.0) * spread;
        sum += texture(map, vec3(c.xy + vec2(cos(a), sin(a)) * r, c.z - 0.0004));
    }
    return sum / 4.0;
}
vec3 relief(vec3 n, float h, float depth) {  // a normal bent by a height's change over the screen
    vec3 px = dFdx(v_position), py = dFdy(v_position);
    vec3 a = cross(py, n), b = cross(n, px);
    float det = dot(px, a);
    vec3 slope = sign(det) * (dFdx(h) * a + dFdy(h) * b) * depth;
    return normalize(abs(det) * n - slope + n * 1e-12);
}
void main() {
    vec4 m0 = texelFetch(materials, ivec2(0, v_material), 0), m1 = texelFetch(materials, ivec2(1, v_material), 0);
    vec4 m2 = texelFetch(materials, ivec2(2, v_material), 0), m3 = texelFetch(materials, ivec2(3, v_material), 0);
    vec3 view = normalize(eye - v_position), n = normalize(v_normal);
    if (dot(n, view) < 0.0) n = -n;
    vec3 t = texture(bank, vec3(v_uv * m1.w, m0.w), -0.7).rgb;
    float dirt = texture(bank, vec3(v_uv * 0.21 + v_position.xz * 0.05, 1.0)).r;
    vec3 base = mix(m0.rgb, m1.rgb, t.r) * (0.82 + 0.36 * t.g);
    if (m3.x >= 0.0) { base = texture(pictures, vec3(v_uv, m3.x)).rgb * m0.rgb; t = vec3(0.5, 0.5, 1.0); }
    base *= 0.86 + 0.55 * dirt;
    if (m2.z > 0.0) n = relief(n, t.g, m2.z);
    float open = texture(occlusion, gl_FragCoord.xy / size).r, thin = m3.y, metal = m3.z;
    float gloss = m2.x * t.b, power = m2.y;
    float f = gloss * (0.04 + 0.96 * pow(1.0 - clamp(dot(n, view), 0.0, 1.0), 5.0)) * (1.0 - metal) + metal * gloss;
    vec3 tint = mix(vec3(1.0), base, metal), diffuse = base * (1.0 - 0.85 * metal);
    vec3 sum = diffuse * (around(n) * (1.0 - 0.5 * thin) + around(-n) * 0.5 * thin) * open;
    sum += tint * f * around(reflect(-view, n)) * mix(open, 1.0, 0.3);
    float peak = (power + 8.0) / 25.0 * gloss * 0.35;
    float d = dot(n, key_direction), clear = lit(key_shadow, key_view, v_position + n * 0.02, key_spread, d > 0.0 || thin > 0.0);
    sum += diffuse * key_colour * clear * (max(d, 0.0) * (1.0 - 0.5 * thin) + max(-d, 0.0) * thin);
    sum += tint * key_colour * clear * step(0.0, d) * (0.3 + f) * peak * pow(max(dot(n, normalize(key_direction + view)), 0.0), power);
    vec3 first = lamp_at[0].xyz - v_position;
    float shown = lit(lamp_shadow, lamp_view, v_position + n * (0.015 + 0.03 * length(first)), 0.005, lamps > 0);
    for (int i = 0; i < lamps; i++) {
        vec3 l = lamp_at[i].xyz - v_position; float d2 = dot(l, l); l *= inversesqrt(d2);
        float fall = (i == 0 ? shown : 1.0) / (d2 + lamp_at[i].w), e = dot(n, l), wrap = 0.15;
        float shade = max((e + wrap) / (1.0 + wrap), 0.0) + thin * 0.7 * max(-e, 0.0);
        sum += lamp_colour[i] * fall * mix(open, 1.0, 0.4) * (diffuse * shade
            + tint * step(0.0, e) * (0.3 + f) * peak * pow(max(dot(n, normalize(l + view)), 0.0), power));
    }
    sum += base * m2.w;
    colour = vec4(sum, 1.0);
}
"""
)
