"""The files of the site, where the repository has them: a hook of MkDocs, for `make docs`.

MkDocs takes one folder. With the repository's own tree, a link from README.md to docs/, or from
docs/ to results/, is the same one on the site as where the code is hosted.
"""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError  # pyright: ignore[reportMissingImports]
from mkdocs.structure.files import File, Files  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).parents[1]
SHOWN = ("*.md", "docs/**/*.md", "docs/**/*.jpg", "docs/**/*.png", "results/**/*.svg")
READMES = ("examples/README.md", "research/README.md", "runs/README.md")
LOADED = re.compile(r'<(?:script|img|iframe|link)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*"')
"""What a browser would fetch from elsewhere."""


def on_files(files: Files, config: Any) -> Files:
    """Those of the theme, and ours in place of what MkDocs found in docs/."""
    theme = [file for file in files if file.src_dir != config.docs_dir]
    paths = sorted(path for pattern in (*SHOWN, *READMES) for path in ROOT.glob(pattern))
    ours = [
        File(path.relative_to(ROOT).as_posix(), str(ROOT), config.site_dir, False) for path in paths
    ]
    return Files([*theme, *ours])


def on_post_page(output: str, page: Any, config: Any) -> str:
    """The page as it is. Raises PluginError where it would load anything from elsewhere."""
    found = LOADED.search(output)
    if found:
        raise PluginError(f"{page.file.src_uri} loads from elsewhere: {found[0]}")
    return output
