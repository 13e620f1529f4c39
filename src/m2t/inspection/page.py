"""One HTML page with all pictures inside: nothing is loaded, no script runs."""

import base64
import io
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from PIL import Image

from .inside import Pixels

PREVIEW_SIDE = 640
"""Pixels of a photograph's longer side on the page, which would be tens of megabytes otherwise."""

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 76rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3 { line-height: 1.2; overflow-wrap: anywhere; }
h3 { margin: 1.5rem 0 .3rem; font-size: 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dd { margin: 0; overflow-wrap: anywhere; }
img { display: block; width: 100%; height: auto; }
figure { margin: 0; }
figcaption { font-size: .85rem; margin: .2rem 0 1rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(30rem, 100%), 1fr));
  gap: 1.5rem; align-items: start; }
.plots img { background: white; }
.steps { display: grid; grid-template-columns: repeat(3, 1fr); gap: .5rem; }
@media (max-width: 40rem) {
  .steps { grid-template-columns: repeat(2, 1fr); }
  .steps figure:first-child { display: none; }
}
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
<h1>{title}</h1>
<dl>
{facts}
</dl>
<section class="plots">
{plots}
</section>
<h2>Step by step</h2>
<p>{explanation}</p>
{steps}
</html>
"""


class Figure(NamedTuple):
    """A picture and what is written below it."""

    source: str
    """A data URI."""
    caption: str


class Row(NamedTuple):
    """Figures side by side."""

    title: str
    figures: Sequence[Figure]


def plot(png: bytes, caption: str) -> Figure:
    """A figure of a PNG, as it is."""
    return Figure(_data_uri("image/png", png), caption)


def photograph(rgb: Pixels, caption: str) -> Figure:
    """A figure of an image, smaller and compressed."""
    image = Image.fromarray(rgb)
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85)
    return Figure(_data_uri("image/webp", buffer.getvalue()), caption)


def page(
    title: str,
    facts: dict[str, str],
    plots: Iterable[Figure],
    explanation: str,
    steps: Iterable[Row],
) -> str:
    """The page. All texts are plain: they may hold any character."""
    rows = (
        f'<h3>{escape(row.title)}</h3>\n<div class="steps">\n{_figures(row.figures)}\n</div>'
        for row in steps
    )
    return _PAGE.format(
        title=escape(title),
        style=_STYLE,
        facts="\n".join(f"<dt>{escape(k)}<dd>{escape(v)}" for k, v in facts.items()),
        plots=_figures(plots),
        explanation=escape(explanation),
        steps="\n".join(rows),
    )


def _figures(figures: Iterable[Figure]) -> str:
    return "\n".join(
        f'<figure><img src="{source}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for source, caption in figures
    )


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
