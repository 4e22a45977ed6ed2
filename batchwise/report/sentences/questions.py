"""The answer to a question in sentences: what, where not, how sure it is, and what would tell more."""

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.answers import Agreement, Answer, Mean
from batchwise.claims.comparison import (
    BATCH_SIZES,
    LENGTHS,
    PROCESSES,
    SEEDS,
    UPDATES,
    Comparison,
    Rule,
    Scale,
    on_scale,
)
from batchwise.claims.evidence import Evidence
from batchwise.claims.questions import Question
from batchwise.claims.verdicts import Judged, Verdict
from batchwise.report.number_format import MISSING, digits, known, seconds, size
from batchwise.report.sentences import comparisons
from batchwise.report.sentences.grammar import count, listed, span_of

SAYS = {Verdict.YES: "yes", Verdict.NO: "no", Verdict.SAME: "no difference that matters"}
# A comparison tells where its interval leaves the margin; with a probability of 80 %, and some of it for the other
# comparisons of the page: 1.96 + 0.84 + 0.8 standard errors from it.
ERRORS_AWAY = 3.6
ONE_OF = {SEEDS: "seed", PROCESSES: "process", BATCH_SIZES: "batch size", LENGTHS: "length", UPDATES: "update"}
MOST = 10_000  # seeds or processes: more is no answer
# Quantities of chosen cells, of which confirmation trains more seeds.
OF_CHOSEN = (
    *("best_after_seconds", "smaller_instead", "rows_right", "best_of", "pair", "normalised_alike"),
    *("parts_ahead", "sgd_ahead", "fits_instead", "result_in_bfloat16"),
)


def as_evidence(question: Question, one: Comparison, study: StudyResults) -> Evidence:
    """Return a comparison of a question in words and numbers."""
    return Evidence(
        claim=question.id,
        study=one.study,
        data=study.tables.summary["data"]["title"],
        group=one.group,
        what=comparisons.what(one),
        effect=one.effect,
        unit=comparisons.unit(one),
        margin=one.margin,
        rule=question.rule,
        scale=one.scale,
        degrees=one.degrees,
        n=one.n,
        sample=one.sample,
        machine=_machine(study),
        seconds=_seconds(one, study),
        setting=_setting(one, study),
        batch_size=one.numbers.get("named", np.nan),
    )


def answer(one: Answer) -> str:
    """Return the answer in a sentence, with its numbers."""
    if one.agreement == Agreement.UNMEASURED:
        return f"No study here measures it: it takes {one.question.needs}."
    if one.agreement == Agreement.NONE:
        return f"Cannot be told yet. {needed(one)}"
    rest = f" Cannot be told yet: {listed(one.untold)}." if one.untold else ""
    if one.parts:
        parts = [f"{_capital(group or 'otherwise')}: {_small(answer(part))}" for group, part in one.parts.items()]
        return f"{' '.join(parts)}{rest}"
    if groups := one.groups or _in_units(one):
        parts = [_of_group(one, group, verdict) for group, verdict in groups.items()]
        return f"{_capital('; '.join(parts))}.{rest}"
    if one.agreement == Agreement.ALL:
        part = f", {listed(_told(one))}" if one.untold else ""
        return f"{_start(one.verdict)}{part}: {_text(one, one.verdict)}.{rest}"
    if one.agreement == Agreement.MOSTLY:
        return f"Mostly {SAYS[one.verdict]}: {_text(one, one.verdict)}. {_exceptions(one)}{rest}"
    parts = [f"{SAYS[verdict]} in {_where(one, verdict)}, where {_text(one, verdict)}" for verdict in _said(one)]
    return f"It depends: {'; '.join(parts)}.{rest}"


def _in_units(one: Answer) -> dict[str, Verdict]:
    """Return the verdict of each group where all agree, but are of several groups in units of their own."""
    units = {each.evidence.group: each.evidence.unit for each in one.telling}
    if one.agreement != Agreement.ALL or len({*units.values()}) < 2:
        return {}
    return dict.fromkeys(units, one.verdict)


def _of_group(one: Answer, group: str, verdict: Verdict) -> str:
    """Return what the comparisons of a group say: `yes, up to a point: …`."""
    text = _text(one, verdict, group)
    if verdict == Verdict.SAME:
        return f"{group}: {SAYS[verdict]}, {text}"
    return f"{SAYS[verdict]}, {group}: {text}"


def certainty(one: Answer) -> str:
    """Return how many comparisons the answer rests on, of how many studies and which sample, and how firmly."""
    if not one.judged:
        return ""
    studies = count(len({(each.evidence.pipeline, each.evidence.study) for each in one.judged}), "study")
    if all(each.evidence.scale == Scale.COUNT for each in one.judged):
        return f"Counted in {studies}, so it is exact."
    telling, firm = len(one.telling), sum(each.under_dependence for each in one.telling)
    share = f"{telling} of {count(len(one.judged), 'comparison')} in {studies} {'tells' if telling == 1 else 'tell'}"
    some = f"{firm} of them " if firm < telling else ""
    dependence = f", {some}whatever their dependence" if firm else ""
    return f"How sure: {share} ({_samples(one)}){dependence}.{_recorded(one)}"


def _samples(one: Answer) -> str:
    """Return what the comparisons are over: `10 to 40 seeds`."""
    sizes: dict[str, list[int]] = {}
    for each in one.judged:
        if each.evidence.scale != Scale.COUNT:
            sizes.setdefault(each.evidence.sample, []).append(each.evidence.n)
    return listed(f"{' to '.join(dict.fromkeys(map(str, (min(n), max(n)))))} {sample}" for sample, n in sizes.items())


def _recorded(one: Answer) -> str:
    """Return how many of the comparisons another pipeline has recorded."""
    found = [each.evidence.pipeline for each in one.judged if each.evidence.pipeline]
    if not found:
        return ""
    verb = "is" if len(found) == 1 else "are"
    return f" {len(found)} of them {verb} recorded in {listed(dict.fromkeys(found))}, not measured here."


def mean(one: Mean) -> str:
    """Return what studies found together, as a description."""
    found, about = one.found, f" ({one.group})" if one.group else ""
    return (
        f"Mean of {found.studies} studies{about}: {digits(found.mean.value)} {one.unit} (95 % interval "
        f"{digits(found.mean.low)} to {digits(found.mean.high)}); in a study like these between "
        f"{digits(found.prediction.low)} and {digits(found.prediction.high)}. Of few and unlike studies this is a "
        "description, no law."
    )


def needed(one: Answer, group: str | None = None) -> str:
    """Return what would tell, where nothing does: how many more seeds or processes, what they take, what to edit.

    Of a group of which nothing can be told, or of all comparisons.
    """
    unknown = [each.evidence for each in one.saying(Verdict.UNKNOWN, group)]
    wanted = [(total, each) for each in unknown if np.isfinite(total := _needed(each))]
    if not wanted:
        return "No number of seeds would tell: its effect lies at the margin, or has no interval."
    total, each = min(wanted, key=lambda pair: (pair[0] * np.nan_to_num(pair[1].seconds, nan=1e9), pair[0]))
    more = int(total) - each.n
    sample = ONE_OF.get(each.sample, each.sample) if more == 1 else each.sample
    work = "measuring" if each.sample == PROCESSES else "training"
    cost = f", some {seconds(more * each.seconds)} of {work}" if known(each.seconds) else ""
    return (
        f"Were effect and spread as they are in {_named(each)}, {more} more {sample} ({int(total)} in all{cost}) "
        f"would tell there: edit {each.setting}{'' if each.sample == PROCESSES else ' in params.yaml'}."
    )


def untold(one: Answer) -> list[str]:
    """Return what would tell of each group of which nothing can be told, where others tell."""
    groups = one.untold if one.telling else []
    return [f"{_capital(group)}: {needed(one, group)}" for group in groups]


def _needed(one: Evidence) -> float:
    """Return how many of its sample a comparison needs to be told; NaN where it has no interval, or too many."""
    value, error, margin = on_scale(one.effect, one.degrees, one.margin, one.scale)
    bounds = [-margin] if one.rule == Rule.NOT_LESS else [-margin, margin]
    distance = min(abs(value - bound) for bound in bounds)
    if not (error > 0 and distance > 0 and one.n > 1):
        return np.nan
    n = np.ceil(one.n * (ERRORS_AWAY * error / distance) ** 2)
    return float(max(n, one.n + 1)) if n <= MOST else np.nan


def row(one: Judged) -> list[str]:
    """Return a comparison as a row of a table: study, what, effect, interval, n, margin, verdict."""
    evidence = one.evidence
    effect = evidence.effect
    counted, exact = evidence.scale == Scale.COUNT, effect.low == effect.high
    interval = f"{digits(effect.low)} to {digits(effect.high)}" if known(effect.low) else MISSING
    return [
        _named(evidence),
        evidence.what,
        f"{digits(effect.value)} {evidence.unit}",
        "exact" if counted or exact else interval,
        f"{evidence.n} {evidence.sample}",
        "counted" if counted else margin(evidence),
        one.verdict.value + ("" if counted or exact or one.verdict == Verdict.UNKNOWN else _p(one.p)),
    ]


def _named(one: Evidence) -> str:
    """Return the study of a comparison, and where it is recorded if it was not measured here."""
    return f"{one.study} (recorded, {one.pipeline})" if one.pipeline else one.study


def margin(one: Evidence) -> str:
    """Return the margin of a comparison: what would matter."""
    if one.scale == Scale.RATIO:
        return f"× {digits(one.margin)}, ÷ {digits(one.margin)}"
    return f"± {digits(one.margin)}"


def _p(p: float) -> str:
    return " (p < 0.001)" if p < 0.001 else f" (p = {p:.3f})"


def _start(verdict: Verdict) -> str:
    return _capital(SAYS[verdict])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _said(one: Answer) -> list[Verdict]:
    """Return the verdicts of a question, those with more comparisons first."""
    found = [each.verdict for each in one.telling]
    return sorted({*found}, key=lambda verdict: (-found.count(verdict), list(Verdict).index(verdict)))


def _where(one: Answer, verdict: Verdict) -> str:
    """Return the studies that say something; where one says something else too, with what is compared."""
    others = {_named(each.evidence) for each in one.telling if each.verdict != verdict}
    names = [(_named(each.evidence), each.evidence.what) for each in one.saying(verdict)]
    return listed(dict.fromkeys(f"{name} ({what})" if name in others else name for name, what in names))


def _told(one: Answer) -> list[str]:
    """Return the groups of which something can be told."""
    return list(dict.fromkeys(each.evidence.group for each in one.telling))


def _exceptions(one: Answer) -> str:
    """Return where the answer is another."""
    others = [verdict for verdict in _said(one) if verdict != one.verdict]
    parts = [f"{SAYS[verdict]} in {_where(one, verdict)}: {_text(one, verdict)}" for verdict in others]
    return f"But {'; '.join(parts)}."


def _text(one: Answer, verdict: Verdict, group: str | None = None) -> str:
    """Return what a verdict means, with the effects of the comparisons that say so."""
    texts = {Verdict.YES: one.question.yes, Verdict.NO: one.question.no, Verdict.SAME: one.question.same}
    said = [each.evidence for each in one.saying(verdict, group) if each.evidence.scale != Scale.COUNT]
    two_sided = one.question.rule in (Rule.DIFFERENT, Rule.EQUAL)
    return texts[verdict].format(
        effects=span_of([each.effect.value for each in said]),
        inverses=span_of([1 / each.effect.value if each.scale == Scale.RATIO else -each.effect.value for each in said]),
        sizes_of_effects=span_of([abs(each.effect.value) for each in said]),
        measured=listed(
            f"{span_of([_size(each, two_sided) for each in said if each.unit == unit])} {unit}"
            for unit in dict.fromkeys(each.unit for each in said)
        ),
        unit=said[0].unit if said else "",
        batch_sizes=_batch_sizes(said),
    )


def _batch_sizes(said: list[Evidence]) -> str:
    """Return the batch sizes that an answer names: `m = 128 to 512`."""
    named = [int(each.batch_size) for each in said if known(each.batch_size)]
    return f"m = {span_of(named, size)}" if named else "the larger batch size"


def _size(one: Evidence, two_sided: bool) -> float:
    return abs(one.effect.value) if two_sided else one.effect.value


def _machine(study: StudyResults) -> str:
    """Return the device that measured, or the processor that trained."""
    if study.profile is not None:
        return str(study.profile.machine.get("device", ""))
    environment = study.tables.summary["provenance"]["environment"]
    return str(environment.get("device", "")) if isinstance(environment, dict) else ""


def _seconds(one: Comparison, study: StudyResults) -> float:
    """Return how long one more of a sample takes; NaN where times were not measured.

    A seed trains all batch sizes, a batch size all seeds and learning rates, and a process compiles all its programs,
    which is most of what it does.
    """
    if one.sample == PROCESSES and study.profile is not None:
        return float(study.profile.points["compile_seconds"].sum())
    if one.sample not in (SEEDS, BATCH_SIZES) or not study.epoch_seconds:
        return np.nan
    budget, grid = study.recipe["budget"], study.tables.summary["grid"]
    epochs = [budget.get("epochs") or budget["updates"] / -(-study.rows // m) for m in study.epoch_seconds]
    of_seed = float(sum(time * length for time, length in zip(study.epoch_seconds.values(), epochs, strict=True)))
    if one.sample == BATCH_SIZES:
        return of_seed / len(epochs) * grid["seeds"] * grid["base_learning_rates"]
    return of_seed * (1 if study.tables.summary["confirmation"] else grid["base_learning_rates"])


def _setting(one: Comparison, study: StudyResults) -> str:
    """Return what of params.yaml says how many of a sample there are, or what of the code."""
    if one.sample == PROCESSES:
        return "PROCESSES in batchwise/measuring/profiling/rounds.py"
    if one.sample in (LENGTHS, UPDATES):
        key = "memory_by_length.lengths"
    elif one.sample != SEEDS:
        key = "grid.batch_sizes"
    elif study.tables.summary["confirmation"] and one.quantity in OF_CHOSEN:
        key = "confirmation (half_width, most_seeds)"
    else:
        key = "grid.seeds"
    return f"studies.{study.name}.{key}"
