"""A training as one HTML page that is whole in itself: tables come from here, curves from a script."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from netspec.cli.report import duration
from netspec.viz.page import fill_page, inline_json
from netspec.viz.panels import Curve, chosen, label_of, panels_of, wants_log
from netspec.viz.report import Report, Session
from netspec.viz.training_log import Series, Thetas

# What a panel shows of a longer series: the extremes of so many stretches.
STRETCHES = 600
MOST_TESTS, FEW_TESTS = 200, 8
MOST_SNAPSHOTS, MOST_SCORES = 10, 4
PATIENCE = 120.0  # seconds without a sign of life after which a reader is told so

# XML has no place for these, and a browser shows nothing for them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_RATES = {
    "iterations_per_second": "iterations per second, tests included",
    "images_per_second": "images per second that the data layers made",
    "waited": "share of the time spent waiting for data",
}


def draw_report(
    report: Report,
    *,
    written: float,
    live: bool = False,
    name: str = "training",
    iteration: int | None = None,
    patience: float = PATIENCE,
) -> str:
    """The page: well-formed as HTML and as XML, and whole in itself.

    Args:
        written: now, in seconds since 1970.
        live: whether the file will be written anew while the training goes on, so that a browser looks again.
        name: what stands above it where the log does not tell the net's name.
        iteration: where the training is, if it told nothing yet since.
        patience: the seconds after which a page that is not written anew says so.
    """
    session = report.session
    running = live and session.state == "running"
    iteration = max(report.iteration, iteration or 0)
    title = _text(str(session.started.get("net") or name))
    panels = list(_panels(report))
    state = session.state if live or session.ended else "unfinished"
    about = {
        "state": state,
        "live": running,
        "written": written,
        "patience": patience,
        "panels": panels,
    }
    parts = {
        "title": title,
        "again": '<noscript><meta http-equiv="refresh" content="10"/></noscript>' if running else "",
        "head": _head(report, title, state, iteration, written),
        "tiles": _tiles(report),
        "tests": _tests(report),
        "pictures": _pictures(report),
        "texts": _texts(session),
        "run": _run(report, state),
        "data": inline_json(about),
        "drawing": inline_json(report.drawing),
    }
    return fill_page("report", parts)


def _text(text: str) -> str:
    """A text as HTML has it."""
    return escape(_CONTROLS.sub("", text))


# The curves ---------------------------------------------------------------------------------------------


def _panels(report: Report) -> Iterator[dict[str, Any]]:
    series = sorted(chosen(report.recording.series()), key=lambda one: one.source != "train")
    for title, curves in panels_of([Curve(0, one) for one in series]).items():
        values = [value for curve in curves for value in curve.series.values if math.isfinite(value)]
        log = wants_log(title, values) if title in ("loss", "learning rate") else None
        drawn = [_curve(label_of(curve.series, title), curve.series) for curve in curves]
        yield {"place": "curves", "title": title, "log": log, "curves": drawn}
    for one in report.rates.series():
        drawn = [_curve(one.name, one)]
        yield {"place": "rates", "title": _RATES[one.name], "share": one.name == "waited", "curves": drawn}
    for thetas in report.thetas.values():
        yield from _theta_panels(thetas)


def _theta_panels(thetas: Thetas) -> Iterator[dict[str, Any]]:
    means = {name: [row[index] for row in thetas.means] for index, name in enumerate(thetas.names)}
    kinds: tuple[tuple[str, bool, dict[str, list[float]]], ...] = (
        ("mean of theta", False, means),
        ("largest |theta|", False, {"largest |theta|": thetas.largest}),
        ("sampled outside of the image", True, {"outside": thetas.outside}),
    )
    for title, share, lines in kinds:
        drawn = [
            _curve(name, Series("train", name, "output", True, 1, thetas.iterations, values))
            for name, values in lines.items()
        ]
        yield {"place": "theta", "title": f"{thetas.layer}: {title}", "share": share, "curves": drawn}


def _curve(name: str, series: Series) -> dict[str, Any]:
    """A curve as JSON: numbers have six digits, and none where they are not finite."""
    kind = "test" if series.source != "train" else "raw"
    iterations, values = _thinned(series.iterations, series.values)
    y = [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
    return {
        "name": name,
        "kind": "train" if series.smoothed or series.kind == "rate" else kind,
        "x": iterations,
        "y": y,
    }


def _thinned(iterations: Sequence[int], values: Sequence[float]) -> tuple[list[int], list[float]]:
    """The smallest and the largest value of each stretch, so that no peak is lost."""
    count = len(values)
    if count <= 2 * STRETCHES:
        return list(iterations), list(values)
    length = -(-count // STRETCHES)
    padded = np.full(length * STRETCHES, np.nan)
    padded[:count] = values
    rows, finite = padded.reshape(STRETCHES, length), np.isfinite(padded.reshape(STRETCHES, length))
    starts = np.arange(STRETCHES) * length
    lows = starts + np.where(finite, rows, np.inf).argmin(1)
    highs = starts + np.where(finite, rows, -np.inf).argmax(1)
    kept = sorted({0, count - 1, *lows.tolist(), *highs.tolist()} & {*range(count)})
    return [iterations[place] for place in kept], [values[place] for place in kept]


# The tables ---------------------------------------------------------------------------------------------


def _head(report: Report, title: str, state: str, iteration: int, written: float) -> str:
    session = report.session
    last = session.started.get("last")
    done = f"iteration {iteration:,}" + (f" of {last:,}" if last else "")
    running = state == "running"
    words = [done, *_times(session, iteration, written if running else session.time, running=running)]
    if running and report.testing is not None:
        words.insert(1, "testing")
    clock = _clock(written)
    parts = [
        f'<h1>{title}</h1><p class="state" data-state="{state}"><span class="dot"></span>{state}</p>',
        f'<p class="progress">{_text(" · ".join(words))}</p>',
        f'<p class="written">written <time id="written">{clock}</time></p>',
    ]
    if last:
        parts.append(f'<progress value="{iteration}" max="{last}" aria-label="iterations done"></progress>')
    if session.ended and session.ended.get("message"):
        parts.append(f'<pre class="failure">{_text(str(session.ended["message"]))}</pre>')
    return "\n".join(parts)


def _times(session: Session, iteration: int, now: float, *, running: bool) -> Iterator[str]:
    """How long it took until ``now``, and how long it will still take."""
    began = session.started.get("time")
    if began is None:
        return
    passed = now - began
    yield f"{duration(passed)} " + ("in all" if session.ended else "so far")
    done, left = iteration - session.started["iteration"], session.started["last"] - iteration
    if running and done > 0 and left > 0:
        yield f"about {duration(passed / done * left)} left"


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time).astimezone():%Y-%m-%d %H:%M:%S %Z}"


def _tiles(report: Report) -> str:
    tiles = [*islice(_scores(report), MOST_SCORES)]
    smoothed = next((one for one in report.recording.series() if one.smoothed), None)
    if smoothed is not None:
        tiles.append(("loss", _number(smoothed.values[-1]), f"at {smoothed.iterations[-1]:,}, smoothed"))
    rates = {one.name: one.values[-1] for one in report.rates.series()}
    speed, images = rates.get("iterations_per_second"), report.session.described.get("images")
    if speed is not None:
        per_image = f"{_number(speed * images)} images/s" if images else ""
        tiles.append(("iterations/s", _number(speed), per_image))
    if "waited" in rates:
        tiles.append(("waiting for data", f"{100 * rates['waited']:.1f} %", "of the time"))
    rate = next((one for one in report.recording.series() if one.kind == "rate"), None)
    if rate is not None:
        tiles.append(("learning rate", _number(rate.values[-1]), ""))
    return "\n".join(
        f'<div class="tile"><h3>{_text(name)}</h3><p>{value}</p><small>{_text(note)}</small></div>'
        for name, value, note in tiles
    )


def _scores(report: Report) -> Iterator[tuple[str, str, str]]:
    """What the Accuracy layers of the test nets say, with the best so far."""
    for one in report.recording.series():
        if _is_accuracy(report, one) and one.elements == 1:
            best = max(range(len(one.values)), key=lambda place: (one.values[place], -place))
            note = f"at {one.iterations[-1]:,}; best {_percent(one.values[best])} at {one.iterations[best]:,}"
            yield label_of(one, "").strip(), _percent(one.values[-1]), note


def _is_accuracy(report: Report, series: Series) -> bool:
    known = report.session.described.get("accuracies", {})
    return series.blob in known.get(series.source, ())


def _tests(report: Report) -> str:
    columns = [one for one in chosen(report.recording.series()) if one.source != "train"]
    if not columns:
        return '<p class="none">No test yet.</p>'
    values = [dict(zip(one.iterations, one.values, strict=True)) for one in columns]
    best = [_best(report, one) for one in columns]
    tested = sorted({iteration for one in columns for iteration in one.iterations}, reverse=True)
    rows = []
    for iteration in tested[:MOST_TESTS]:
        cells = map(_cell, (column.get(iteration) for column in values), best)
        rows.append(f"<tr><th>{iteration:,}</th>{''.join(cells)}</tr>")
    names = "".join(f"<th>{_text(label_of(one, '').strip())}</th>" for one in columns)
    head = f"<thead><tr><th>iteration</th>{names}</tr></thead>"
    few, more = rows[:FEW_TESTS], rows[FEW_TESTS:]
    parts = [f"<table>{head}<tbody>{''.join(few)}</tbody></table>"]
    if more:
        older = f"{len(more)} earlier tests" if len(more) > 1 else "1 earlier test"
        table = f"<table>{head}<tbody>{''.join(more)}</tbody></table>"
        parts.append(f'<details id="older"><summary>{older}</summary>{table}</details>')
    if len(tested) > MOST_TESTS:
        parts.append(f'<p class="none">The curves show all {len(tested):,} tests.</p>')
    return f'<div class="wide">{"".join(parts)}</div>'


def _best(report: Report, series: Series) -> float | None:
    """The best value of a series, where one knows which way is up."""
    finite = [value for value in series.values if math.isfinite(value)]
    if not finite or len(finite) < 2:
        return None
    if _is_accuracy(report, series):
        return max(finite)
    return min(finite) if series.kind == "loss" else None


def _cell(value: float | None, best: float | None) -> str:
    if value is None:
        return "<td></td>"
    mark = ' class="best" title="the best"' if value == best else ""
    return f"<td{mark}>{_number(value)}</td>"


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"


def _number(value: float) -> str:
    return f"{value:.4g}"


# The pictures -------------------------------------------------------------------------------------------


def _pictures(report: Report) -> str:
    if not report.pictures:
        why = report.session.described.get("no_pictures", "")
        return f'<p class="none">{_text(why)}</p>' if why else ""
    figures = [
        f'<figure data-iteration="{shot.iteration}"><img alt="what the transformers do at iteration '
        f'{shot.iteration}: each input with what is sampled of it, and what is handed on" '
        f'width="{shot.width}" height="{shot.height}" decoding="sync" '
        f'src="data:image/jpeg;base64,{shot.text}"/>'
        f"<figcaption>iteration {shot.iteration:,}</figcaption></figure>"
        for shot in report.pictures
    ]
    return "\n".join(figures)


# The texts ----------------------------------------------------------------------------------------------


def _texts(session: Session) -> str:
    texts = session.described.get("texts", [])
    return "\n".join(
        f'<details id="text{index}"><summary>{_text(what)} <code>{_text(name)}</code></summary>'
        f"<pre>{_text(text)}</pre></details>"
        for index, (what, name, text) in enumerate(texts)
    )


def _run(report: Report, state: str) -> str:
    session = report.session
    parts = []
    if session.opened:
        parts.append(f'<h3>Command</h3><pre class="command">{_text(str(session.opened["command"]))}</pre>')
    parts += [_facts(title, rows) for title, rows in _tables(report) if rows]
    parts += [_notices(session), _snapshots(report)]
    if len(report.sessions) > 1:
        parts.append(_sessions(report.sessions, state))
    return "\n".join(filter(None, parts))


def _tables(report: Report) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    session = report.session
    started, opened = session.started, session.opened
    asked: Iterable[tuple[str, Any]] = (
        ("started", _clock(session.began) if session.began else None),
        ("in", opened.get("folder")),
        ("device", started.get("device")),
        ("random seed", started.get("random_seed")),
        ("engine", started.get("engine")),
        ("learning rate policy", started.get("lr_policy")),
        ("iterations", f"{started['iteration']:,} to {started['last']:,}" if started else None),
    )
    yield "Run", [(name, str(value)) for name, value in asked if value not in (None, "")]
    yield "Versions", [(name, str(value)) for name, value in opened.get("versions", {}).items()]
    yield "Machine", [(name, str(value)) for name, value in session.described.get("machine", [])]


def _facts(title: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in rows)
    return f'<div class="facts"><h3>{title}</h3><table><tbody>{lines}</tbody></table></div>'


def _notices(session: Session) -> str:
    warnings = session.described.get("warnings", [])
    lines = [f'<li class="warning"><pre>{_text(text)}</pre></li>' for text in warnings]
    if session.hidden:
        lines.append(f"<li>({session.hidden} earlier ones are left out)</li>")
    for notice in session.notices:
        kind, when = str(notice.get("severity", "info")), f"iteration {notice['iteration']:,}"
        lines.append(f"<li class={quoteattr(kind)}>{when}: {_text(str(notice['message']))}</li>")
    return f'<h3>Warnings and remarks</h3><ul class="notices">{"".join(lines)}</ul>' if lines else ""


def _snapshots(report: Report) -> str:
    if not report.snapshots:
        return ""
    shown = report.snapshots[: -MOST_SNAPSHOTS - 1 : -1]
    rows = "".join(
        f"<tr><th>{one['iteration']:,}</th><td><code>{_text(str(one['weights']))}</code></td>"
        f"<td><code>{_text(str(one['state']))}</code></td><td>{_clock(one['time'])}</td></tr>"
        for one in shown
    )
    more = len(report.snapshots) - len(shown)
    rest = f'<p class="none">and {more} before these</p>' if more else ""
    head = "<thead><tr><th>iteration</th><th>weights</th><th>state</th><th>written</th></tr></thead>"
    return f'<h3>Snapshots</h3><div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>{rest}'


def _sessions(sessions: Sequence[Session], state: str) -> str:
    """The processes that trained one after the other."""
    rows = "".join(
        f"<tr><th>{_clock(one.began)}</th><td>{one.started.get('iteration', '')}</td>"
        f"<td>{state if one is sessions[-1] else one.state if one.ended else 'cut off'}</td>"
        f"<td><code>{_text(str(one.opened.get('command', '')))}</code></td></tr>"
        for one in sessions
    )
    head = "<thead><tr><th>started</th><th>at iteration</th><th>ended</th><th>command</th></tr></thead>"
    return f'<h3>Resumed</h3><div class="wide"><table>{head}<tbody>{rows}</tbody></table></div>'
