"""Start a kernel as JupyterLab does, and run the first notebook until a table is on screen."""

import nbformat
from jupyter_client.manager import start_new_kernel

from ecommerce_lakehouse.notebooks import notebooks


def main() -> None:
    """Stop at the first cell whose output has a table."""
    first = notebooks()[0]
    manager, client = start_new_kernel(cwd=str(first.parent))
    try:
        for cell in nbformat.read(first, as_version=4).cells:
            seen: list[str] = []

            def look(message: dict[str, object], seen: list[str] = seen) -> None:
                content = message["content"]
                assert isinstance(content, dict)
                seen.extend(content.get("data", {}))
                assert message["header"]["msg_type"] != "error", content  # type: ignore[index]

            if cell.cell_type == "code":
                client.execute_interactive(cell.source, output_hook=look, timeout=300)
            if "text/html" in seen:
                return
        raise SystemExit("No cell showed a table.")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


if __name__ == "__main__":
    main()
