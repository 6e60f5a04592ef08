"""Plots as SVG, without a library: lines over a growing size, bars beside each other."""

from html import escape
from math import log2

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 40, 50
COLOURS = ["#1b6ca8", "#d1495b", "#2e8b57", "#8d6a9f", "#c98b1d", "#555555"]


def svg(title, parts, height=HEIGHT):
    style = "text{font:12px sans-serif;fill:#222}.t{font-weight:bold;font-size:14px}.g{stroke:#ddd}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    ground = f'<rect width="{WIDTH}" height="{height}" fill="white"/>'
    return "\n".join([head, f"<style>{style}</style>", ground, text(LEFT, 24, title, kind="t"), *parts, "</svg>\n"])


def text(x, y, words, anchor="start", kind=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" class="{kind}">{escape(str(words))}</text>'


def step(top):
    """A round distance between lines of the grid: about five of them up to `top`."""
    size = 10 ** len(str(int(top)))
    while top / size < 4:
        size /= 2 if str(size)[0] in "12" else 2.5
    return size


def lines(title, x_label, y_label, series):
    """`series`: name → [(x, middle, low, high)]; x in powers of two, 0 beside 1; y from 0."""
    points = [point for each in series.values() for point in each]
    xs = sorted({x for x, *_ in points})
    place = {x: log2(x) if x > 0 else (log2(min(v for v in xs if v > 0)) - 1.5) for x in xs}
    low, high = min(place.values()), max(place.values())
    top = max(high_y for *_, high_y in points) * 1.05 or 1
    px = lambda x: LEFT + (place[x] - low) / ((high - low) or 1) * (WIDTH - LEFT - RIGHT)
    py = lambda y: HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM)
    parts = [text(LEFT - 50, TOP - 4, y_label), text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, x_label, "middle")]
    grid = 0
    while grid <= top:
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{py(grid):.1f}" y2="{py(grid):.1f}" class="g"/>')
        parts.append(text(LEFT - 6, py(grid) + 4, f"{grid:g}", "end"))
        grid += step(top)
    parts += [text(px(x), HEIGHT - BOTTOM + 18, short(x), "middle") for x in xs]
    ends = []
    for colour, (name, each) in zip(COLOURS, series.items()):
        way = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y, *_ in each)
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for x, y, least, most in each:
            bar = f'x1="{px(x):.1f}" x2="{px(x):.1f}" y1="{py(least):.1f}" y2="{py(most):.1f}"'
            parts.append(f'<line {bar} stroke="{colour}" opacity="0.5"/>')
            parts.append(f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{colour}"/>')
        ends.append([py(each[-1][1]), name, colour])
    ends.sort()
    for i, end in enumerate(ends):
        end[0] = max(end[0], ends[i - 1][0] + 15) if i else end[0]
        parts.append(f'<rect x="{WIDTH - RIGHT + 8}" y="{end[0] - 5:.1f}" width="10" height="10" fill="{end[2]}"/>')
        parts.append(text(WIDTH - RIGHT + 22, end[0] + 4, end[1]))
    return svg(title, parts)


def bars(title, unit, rows):
    """`rows`: [(name, middle, low, high)]."""
    top = max(high for *_, high in rows) or 1
    height = TOP + 26 * len(rows) + 20
    parts = []
    for i, (name, middle, low, high) in enumerate(rows):
        y, scale = TOP + 26 * i, (WIDTH - 240) / top
        colour = COLOURS[0] if name.startswith("valord") else "#9aa5b1"
        parts.append(text(125, y + 15, name, "end"))
        parts.append(f'<rect x="130" y="{y}" width="{middle * scale:.1f}" height="20" fill="{colour}"/>')
        spread = f'x1="{130 + low * scale:.1f}" x2="{130 + high * scale:.1f}" y1="{y + 10}" y2="{y + 10}"'
        parts.append(f'<line {spread} stroke="black"/>')
        parts.append(text(136 + high * scale, y + 15, f"{middle:.1f} {unit}"))
    return svg(title, parts, height)


def short(number):
    """4096 as 4 Ki."""
    for size, name in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if number >= size and number % size == 0:
            return f"{number // size} {name}"
    return str(number)
