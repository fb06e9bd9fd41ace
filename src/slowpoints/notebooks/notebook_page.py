"""The executed notebook as a page that stands alone.

No script, nothing fetched, light and dark, any width.
"""

import html
import json
import re
from pathlib import Path

PAGE = """\
{%- extends 'basic/index.html.j2' -%}
{%- block header -%}
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ resources.title | e }}</title>
<style>{{ resources.style }}</style>
</head>
<body>
<main>
{%- endblock header -%}
{%- block footer -%}
</main>
</body>
</html>
{%- endblock footer -%}
{%- block markdowncell -%}
{{ cell.source | prose }}
{%- endblock markdowncell -%}
{%- block stream_stdout -%}
<pre class="said">{{ output.text | e }}</pre>
{%- endblock stream_stdout -%}
{%- block data_png -%}
<img src="data:image/png;base64,{{ output.data['image/png'] | e }}" alt="{{ resources.alt | e }}">
{%- endblock data_png -%}
"""
STYLE = """
:root { color-scheme: light dark; --text: #1f2328; --back: #fff; --box: #f4f5f7; --key: #8a1c6a; --string: #0b5c2e;
  --number: #7a4100; --remark: #57606a; --link: #0b57a4 }
@media (prefers-color-scheme: dark) { :root { --text: #e6e6e6; --back: #14181e; --box: #1e242c; --key: #f0a3d6;
  --string: #93d8a8; --number: #f0b47c; --remark: #a3adb8; --link: #7ab8f5 } }
body { margin: 0; color: var(--text); background: var(--back); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1rem 1.2rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.25 }
a { color: var(--link) }
pre { margin: .8rem 0; padding: .8rem 1rem; border-radius: 8px; background: var(--box); overflow-wrap: anywhere;
  font: .82rem/1.5 ui-monospace, monospace; white-space: pre-wrap }
pre.said { font: inherit; border-left: 4px solid var(--link) }
img { display: block; max-width: 100%; margin: 1rem auto; border-radius: 8px; background: #fff }
table { border-collapse: collapse; display: block; overflow-x: auto }
td, th { padding: .2rem .6rem; border-bottom: 1px solid var(--box); text-align: left }
.k, .kn, .kc, .ow, .o { color: var(--key) } .s1, .s2, .sa, .si { color: var(--string) }
.mi, .mf { color: var(--number) } .c1 { color: var(--remark) }
"""
SAID = re.compile(r'<pre class="said">(.*?)</pre>', re.DOTALL)


def page(executed: Path) -> str:
    """Return the executed notebook as HTML.

    HTML in its prose is shown as text, in its outputs stripped of scripts.
    """
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    title = "".join(cells[0]["source"]).partition("\n")[0].lstrip("# ")
    printed = " ".join(
        _text(out["text"]) for cell in cells for out in cell.get("outputs", []) if "text" in out
    )
    made = HTMLExporter(
        raw_template=PAGE, sanitize_html=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    made.register_filter(
        "prose", MarkdownWithMath(renderer=IPythonRenderer(exclude_anchor_links=True)).render
    )
    resources = {"title": title, "alt": f"{title}. {printed.strip()}", "style": STYLE}
    body, _ = made.from_filename(str(executed), resources=resources)
    return str(body)


def said(text: str) -> str:
    """Return the sentences that a notebook's page says under its figure."""
    return " ".join(html.unescape(found).strip() for found in SAID.findall(text))


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)
