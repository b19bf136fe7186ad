"""An evaluation as JSON and as one HTML page that needs nothing else."""

import html
import io
import json
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from edmlive.errors import UserError
from edmlive.training.figures import confusion_matrix, recall_bars, reliability
from edmlive.training.predictions import Predictions

_STYLE = """body{font:16px system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse}td,th{padding:.3rem .8rem;border-bottom:1px solid #ddd;text-align:right}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"""


def write_report(path: Path, title: str, predictions: Mapping[str, Predictions]) -> None:
    """Write PATH.html and PATH.json beside it.

    Parameters
    ----------
    path
        The HTML file.
    title
        What was evaluated on.
    predictions
        By model.

    Raises
    ------
    UserError
        They cannot be written.
    """
    try:
        path.with_suffix(".json").write_text(
            json.dumps(_facts(title, predictions), indent=1, ensure_ascii=False) + "\n"
        )
        path.write_text(_page(title, predictions), encoding="utf-8")
    except OSError as error:
        raise UserError(f"The report cannot be written to {path}: {(error.strerror or str(error)).lower()}.") from None


def _facts(title: str, predictions: Mapping[str, Predictions]) -> dict[str, object]:
    models = {
        name: {
            "figures": given.figures(),
            "tracks": len(given.heard),
            "chunks": len(given.track),
            "labels": given.labels,
            "recall": given.recall(),
            "confusion": given.confusion().tolist(),
            "songs": {given.names[k]: given.labels[row[0]] for k, row in zip(given.heard, given.ranking, strict=True)},
        }
        for name, given in predictions.items()
    }
    return {"data": title, "models": models}


def _page(title: str, predictions: Mapping[str, Predictions]) -> str:
    figures = {name: given.figures() for name, given in predictions.items()}
    columns = list(next(iter(figures.values())))
    head = "".join(f"<th>{html.escape(column)}</th>" for column in ("model", *columns, "songs"))
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td>"
        + "".join(f"<td>{100 * given[column]:.1f} %</td>" for column in columns)
        + f"<td>{len(predictions[name].heard)}</td></tr>"
        for name, given in figures.items()
    )
    parts = [
        f"<h1>{html.escape(title)}</h1><table><tr>{head}</tr>{rows}</table>",
        f"<h2>Accuracy by subgenre</h2>{_svg(recall_bars(predictions))}",
        f"<h2>Calibration of chunks</h2>{_svg(reliability(predictions))}",
        *(
            f"<h2>Confusions of {html.escape(n)}</h2>{_svg(confusion_matrix(given))}"
            for n, given in predictions.items()
        ),
    ]
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
