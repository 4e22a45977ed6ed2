"""The characters of IMDB's film reviews, for models of language: each is predicted from those before it."""

from pydantic import NonNegativeInt, PositiveInt

from batchwise.common.errors import UserError
from batchwise.common.option_types import Seed
from batchwise.data.dataset import DataSet, Description
from batchwise.data.texts import names
from batchwise.data.windows import draw, windows
from batchwise.datasets import _imdb_reviews as imdb

DESCRIPTION = Description(
    title="Characters of IMDB film reviews", task="language_modelling", source=imdb.SOURCE, licence=imdb.LICENCE
)


def prepare(
    *,
    max_tokens: PositiveInt,
    reviews: PositiveInt,
    validation_reviews: NonNegativeInt,
    test_reviews: PositiveInt,
    seed: Seed,
    vocabulary: PositiveInt = 100,
) -> DataSet:
    """Return windows of `max_tokens` characters of so many reviews for training, drawn by chance as the others are.

    Validation reviews are of the publisher's training part too, test reviews of its test part. Characters are as they
    are written (Unicode's composed form), with case and ends of lines; of the rarest some are unknown. Raises UserError
    for more reviews than there are.
    """
    (training, _), (test, _), files = imdb.read()
    for name, asked, there in (
        ("reviews + validation_reviews", reviews + validation_reviews, len(training)),
        ("test_reviews", test_reviews, len(test)),
    ):
        if asked > there:
            raise UserError(f"{name} are {asked:,}; at most {there:,} are allowed, as many as there are")
    apart, for_training = draw(training, (validation_reviews, reviews), [seed, 0])
    (for_test,) = draw(test, (test_reviews,), [seed, 1])
    parts, texts = windows((for_training, apart, for_test), kind="characters", max_tokens=max_tokens, most=vocabulary)
    return DataSet(DESCRIPTION, names(texts.tokens), *parts, files=files, texts=texts)
