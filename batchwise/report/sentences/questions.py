"""The answer to a question in sentences: what, where not, how sure it is, and what would tell more."""

import numpy as np

from batchwise.analysis.study_results import StudyResults
from batchwise.claims.answers import Agreement, Answer, Mean
from batchwise.claims.comparison import SEEDS, Comparison, Rule, Scale, on_scale
from batchwise.claims.evidence import Evidence
from batchwise.claims.questions import Question
from batchwise.claims.verdicts import Judged, Verdict
from batchwise.report.number_format import digits, known, seconds
from batchwise.report.sentences import comparisons
from batchwise.report.sentences.grammar import count, listed

SAYS = {Verdict.YES: "yes", Verdict.NO: "no", Verdict.SAME: "no difference that matters"}
# A comparison tells where its interval leaves the margin; with a probability of 80 %, and some of it for the other
# comparisons of the page: 1.96 + 0.84 + 0.8 standard errors from it.
ERRORS_AWAY = 3.6
MOST = 10_000  # seeds or processes: more is no answer


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
    )


def answer(one: Answer) -> str:
    """Return the answer in a sentence, with its numbers."""
    if one.agreement == Agreement.UNMEASURED:
        return f"No study here measures it: it takes {one.question.needs}."
    if one.agreement == Agreement.NONE:
        return f"Cannot be told yet. {needed(one)}"
    if one.agreement == Agreement.ALL:
        untold = f" Of {listed(one.untold)} nothing can be told." if one.untold else ""
        return f"{_start(one.verdict)}: {_text(one, one.verdict)}.{untold}"
    if one.groups:
        parts = [f"{group}: {SAYS[verdict]}, {_text(one, verdict, group)}" for group, verdict in one.groups.items()]
        return f"It depends. {_capital('; '.join(parts))}."
    if one.agreement == Agreement.MOSTLY:
        return f"Mostly {SAYS[one.verdict]}: {_text(one, one.verdict)}. {_exceptions(one)}"
    parts = [f"{SAYS[verdict]} in {_where(one, verdict)}, where {_text(one, verdict)}" for verdict in _said(one)]
    return f"It depends on the study: {'; '.join(parts)}."


def certainty(one: Answer) -> str:
    """Return how many comparisons the answer rests on, and in which studies."""
    if not one.judged:
        return ""
    studies = {(each.evidence.pipeline, each.evidence.study) for each in one.judged}
    if all(each.evidence.scale == Scale.COUNT for each in one.judged):
        return f"Counted in {count(len(studies), 'study').replace('studys', 'studies')}: it is exact."
    telling = one.telling
    firm = sum(each.under_dependence for each in telling)
    return (
        f"{len(telling)} of {count(len(one.judged), 'comparison')}, in "
        f"{count(len(studies), 'study').replace('studys', 'studies')}, tell; {firm} of them however the comparisons "
        "depend on each other."
    )


def mean(one: Mean) -> str:
    """Return what studies found together, as a description."""
    found, about = one.found, f" ({one.group})" if one.group else ""
    return (
        f"Mean of {found.studies} studies{about}: {digits(found.mean.value)} {one.unit} (95 % interval "
        f"{digits(found.mean.low)} to {digits(found.mean.high)}); in a study like these between "
        f"{digits(found.prediction.low)} and {digits(found.prediction.high)}. Of few and unlike studies this is a "
        "description, no law."
    )


def needed(one: Answer) -> str:
    """Return what would tell, where nothing does: how many more seeds or processes, what they take, what to edit."""
    wanted = [(total, each.evidence) for each in one.judged if np.isfinite(total := _needed(each.evidence))]
    if not wanted:
        return "No number of seeds would tell: its effect lies at the margin, or has no interval."
    total, each = min(wanted, key=lambda pair: (pair[0] * np.nan_to_num(pair[1].seconds, nan=1e9), pair[0]))
    more = int(total) - each.n
    cost = f", {seconds(more * each.seconds)} of training" if known(each.seconds) and each.sample == SEEDS else ""
    return (
        f"Were effect and spread as they are in {each.study}, {more} more {each.sample} ({int(total)} in all{cost}) "
        f"would tell there: edit {each.setting} in params.yaml."
    )


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
    counted = evidence.scale == Scale.COUNT
    interval = f"{digits(effect.low)} to {digits(effect.high)}" if not counted and known(effect.low) else "–"
    recorded = f" ({evidence.pipeline})" if evidence.pipeline else ""
    return [
        f"{evidence.study}{recorded}",
        evidence.what,
        f"{digits(effect.value)} {evidence.unit}",
        interval,
        f"{evidence.n} {evidence.sample}",
        "counted" if counted else margin(evidence),
        one.verdict.value + ("" if counted or one.verdict == Verdict.UNKNOWN else _p(one.p)),
    ]


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


def _said(one: Answer) -> list[Verdict]:
    """Return the verdicts of a question, those with more comparisons first."""
    found = [each.verdict for each in one.telling]
    return sorted({*found}, key=lambda verdict: (-found.count(verdict), list(Verdict).index(verdict)))


def _where(one: Answer, verdict: Verdict) -> str:
    """Return the studies that say something; where one says something else too, with what is compared."""
    others = {each.evidence.study for each in one.telling if each.verdict != verdict}
    return listed(
        dict.fromkeys(
            f"{each.evidence.study} ({each.evidence.what})" if each.evidence.study in others else each.evidence.study
            for each in one.saying(verdict)
        )
    )


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
        effects=_range([each.effect.value for each in said]),
        inverses=_range([1 / each.effect.value if each.scale == Scale.RATIO else -each.effect.value for each in said]),
        sizes_of_effects=_range([abs(each.effect.value) for each in said]),
        measured=listed(
            f"{_range([_size(each, two_sided) for each in said if each.unit == unit])} {unit}"
            for unit in dict.fromkeys(each.unit for each in said)
        ),
        unit=said[0].unit if said else "",
    )


def _size(one: Evidence, two_sided: bool) -> float:
    return abs(one.effect.value) if two_sided else one.effect.value


def _range(values: list[float]) -> str:
    """Return `3.2`, or `3.2 to 41`."""
    if not values:
        return "–"
    low, high = digits(min(values)), digits(max(values))
    return low if low == high else f"{low} to {high}"


def _machine(study: StudyResults) -> str:
    """Return the device that measured, or the processor that trained."""
    if study.profile is not None:
        return str(study.profile.machine.get("device", ""))
    environment = study.tables.summary["provenance"]["environment"]
    return str(environment.get("device", "")) if isinstance(environment, dict) else ""


def _seconds(one: Comparison, study: StudyResults) -> float:
    """Return how long one more seed of all batch sizes trains; NaN where times were not measured."""
    if one.sample != SEEDS or not study.epoch_seconds:
        return np.nan
    budget = study.recipe["budget"]
    epochs = [budget.get("epochs") or budget["updates"] / -(-study.rows // m) for m in study.epoch_seconds]
    of_seed = float(sum(time * length for time, length in zip(study.epoch_seconds.values(), epochs, strict=True)))
    rates = 1 if study.tables.summary["confirmation"] else study.tables.summary["grid"]["base_learning_rates"]
    return rates * of_seed


def _setting(one: Comparison, study: StudyResults) -> str:
    """Return what of params.yaml says how many of a sample there are."""
    name = study.name
    if one.sample != SEEDS:
        return f"studies.{name}.grid.batch_sizes"
    if study.tables.summary["confirmation"]:
        return f"studies.{name}.confirmation (half_width, most_seeds)"
    return f"studies.{name}.grid.seeds"
