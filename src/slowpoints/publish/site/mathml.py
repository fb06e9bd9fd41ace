"""Equations as MathML, made once when the site is built: browsers show them without any script."""

from typing import Any

from docutils.nodes import SkipNode
from latex2mathml import converter


def _inline(writer: Any, node: Any) -> None:
    writer.body.append(converter.convert(node.astext(), display="inline"))
    raise SkipNode


def _display(writer: Any, node: Any) -> None:
    writer.body.append(
        '<div class="equation" '
        f'tabindex="0">{converter.convert(node.astext(), display="block")}</div>'
    )
    raise SkipNode


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer with Sphinx."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
