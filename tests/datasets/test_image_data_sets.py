"""The data sets of images, from small archives in their publishers' layout, and what is refused."""

import gzip
import hashlib
import io
import struct
import tarfile
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from batchwise.common import plugins
from batchwise.common.errors import UserError
from batchwise.data import archive_formats, prepared
from batchwise.data.dataset import SPLITS, DataSet, Description, Split
from batchwise.data.downloads import MIRROR
from batchwise.data.splitting import hold_out
from batchwise.data.subset import channel_statistics, subset

Members = dict[str, bytes]
CIFAR10 = "cifar-10-batches-bin"
CIFAR100 = "cifar-100-binary"
RANDOM = np.random.default_rng(0)
# {data set: images and labels of the training part, each class 5 times, and of the test part, each twice}
PARTS = {
    name: [
        (
            RANDOM.integers(0, 256, (rows * classes, *shape), "uint8"),
            RANDOM.permutation(np.arange(rows * classes) % classes),
        )
        for rows in (5, 2)
    ]
    for name, classes, shape in (
        ("cifar10", 10, (32, 32, 3)),
        ("cifar100", 100, (32, 32, 3)),
        ("fashion_mnist", 10, (28, 28, 1)),
    )
}


def records(images: np.ndarray, labels: np.ndarray, *groups: int) -> bytes:
    """Return the bytes of CIFAR's binary files, pixel by pixel: red, green, blue, each row by row."""
    planes = [b"".join(image[..., channel].tobytes() for channel in range(3)) for image in images]
    return b"".join(bytes([*groups, label]) + plane for label, plane in zip(labels.tolist(), planes, strict=True))


def cifar10() -> Members:
    (images, labels), test = PARTS["cifar10"]
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    files = {
        f"{CIFAR10}/data_batch_{number + 1}.bin": records(images[rows], labels[rows])
        for number in (4, 0, 2, 1, 3)  # in the archive the files have no order
        for rows in [slice(10 * number, 10 * number + 10)]
    }
    meta = {f"{CIFAR10}/batches.meta.txt": ("\n".join(names) + "\n\n").encode()}
    return files | meta | {f"{CIFAR10}/readme.html": b"<html>", f"{CIFAR10}/test_batch.bin": records(*test)}


def cifar100() -> Members:
    training, test = PARTS["cifar100"]
    fine = "".join(f"fine_{number}\n" for number in range(100)).encode()
    return {
        f"{CIFAR100}/train.bin": records(*training, 19),
        f"{CIFAR100}/test.bin": records(*test, 19),
        f"{CIFAR100}/fine_label_names.txt": fine,
        f"{CIFAR100}/coarse_label_names.txt": b"coarse\n" * 20,
    }


def tar_gz(members: Members, *more: tarfile.TarInfo) -> bytes:
    """Return the archive, with a folder, and `more` members without content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        folder = tarfile.TarInfo(next(iter(members)).split("/")[0])
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for info in more:
            archive.addfile(info, io.BytesIO(bytes(info.size)))
    return buffer.getvalue()


def idx(values: np.ndarray) -> bytes:
    """Return the idx file of an array of uint8, unzipped."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.astype("uint8").tobytes()


def fashion_mnist() -> Members:
    files = {}
    for name, (images, labels) in zip(("train", "t10k"), PARTS["fashion_mnist"], strict=True):
        files[f"{name}-images-idx3-ubyte.gz"] = gzip.compress(idx(images[..., 0]), 1)
        files[f"{name}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), 1)
    return files


FILES = {
    "cifar10": {"cifar-10-binary.tar.gz": tar_gz(cifar10())},
    "cifar100": {"cifar-100-binary.tar.gz": tar_gz(cifar100())},
    "fashion_mnist": fashion_mnist(),
}


@pytest.fixture
def mirror(tmp_path, monkeypatch) -> Callable[[Members], Path]:
    """A function that writes files and their sums into the folder that the data sets are read from."""
    monkeypatch.setenv(MIRROR, str(tmp_path))

    def write(files: Members) -> Path:
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items()]
        (tmp_path / "SHA256SUMS").write_text("".join(sums))
        return tmp_path

    return write


def prepare(name: str, validation_rows: int = 0, seed: int = 0) -> DataSet:
    return plugins.load("datasets", name).prepare(validation_rows=validation_rows, seed=seed)


def refused(folder: Path, name: str, *words: str) -> None:
    """Check that a data set is refused with these words, and that the folder stays as it is."""
    before = {path: path.read_bytes() for path in folder.rglob("*")}
    with pytest.raises(UserError) as caught:
        prepare(name)
    for word in (str(folder), "put a whole copy of the publisher's file there", *words):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {path: path.read_bytes() for path in folder.rglob("*")} == before


# What is read


@pytest.mark.parametrize("name", PARTS)
def test_the_publishers_split_in_the_publishers_order(mirror, name) -> None:
    mirror(FILES[name])
    data = prepare(name)
    for part, (images, labels) in zip((data.train, data.test), PARTS[name], strict=True):
        np.testing.assert_array_equal(part.inputs, images)
        np.testing.assert_array_equal(part.labels, labels)
        assert (part.inputs.dtype, part.labels.dtype) == ("uint8", "int32")
        assert part.inputs.flags.c_contiguous
    assert data.rows["validation"] == 0
    assert data.files == {file: hashlib.sha256(content).hexdigest() for file, content in FILES[name].items()}


@pytest.mark.parametrize("name", PARTS)
def test_validation_rows_are_training_rows_with_as_many_of_each_class(mirror, name) -> None:
    mirror(FILES[name])
    classes = len(prepare(name).class_names)
    data = prepare(name, validation_rows=classes, seed=3)
    images, labels = PARTS[name][0]
    assert np.bincount(data.validation.labels).tolist() == [1] * classes
    place = {image.tobytes(): row for row, image in enumerate(images)}
    rows = [[place[image.tobytes()] for image in part.inputs] for part in (data.train, data.validation)]
    assert sorted(rows[0] + rows[1]) == list(range(len(labels)))
    for part, chosen in zip((data.train, data.validation), rows, strict=True):
        assert chosen == sorted(chosen)
        np.testing.assert_array_equal(part.labels, labels[chosen])
    np.testing.assert_array_equal(data.test.inputs, PARTS[name][1][0])
    assert prepare(name, classes, 3).sha256 == data.sha256 != prepare(name, classes, 4).sha256
    # the statistics are those of the training images alone
    np.testing.assert_allclose(data.mean, images[rows[0]].mean((0, 1, 2)), rtol=1e-6)
    np.testing.assert_allclose(data.std, images[rows[0]].std((0, 1, 2)), rtol=1e-6)


def test_the_names_of_the_classes(mirror) -> None:
    mirror({file: content for files in FILES.values() for file, content in files.items()})
    assert prepare("cifar10").class_names[:2] == ("airplane", "automobile")
    assert prepare("cifar100").class_names == tuple(f"fine_{number}" for number in range(100))
    assert prepare("fashion_mnist").class_names[8:] == ("Bag", "Ankle boot")


@pytest.mark.parametrize(
    ("validation_rows", "words"),
    [(9, "validation_rows is 9; with 10 classes at least 10"), (41, "validation_rows 41 leave too few of 50 rows")],
)
def test_validation_rows_that_do_not_fit(mirror, validation_rows, words) -> None:
    mirror(FILES["fashion_mnist"])
    with pytest.raises(UserError, match=words):
        prepare("fashion_mnist", validation_rows)


def test_what_is_saved_is_read_back(mirror, tmp_path) -> None:
    mirror(FILES["cifar10"])
    data = prepare("cifar10", 10)
    prepared.save(data, tmp_path / "prepared", "cifar10", {"seed": 0})
    back = prepared.load(tmp_path / "prepared", "cifar10")
    assert back.sha256 == data.sha256
    assert back.files == data.files == prepared.read(tmp_path / "prepared", "cifar10")["files"]
    for key, array in data.arrays.items():
        np.testing.assert_array_equal(back.arrays[key], array)
        assert back.arrays[key].dtype == array.dtype
    assert (back.mean.dtype, back.std.dtype, back.train.inputs.dtype) == ("float32", "float32", "uint8")


def test_the_checksum_covers_the_statistics_and_not_the_files(mirror) -> None:
    mirror(FILES["cifar10"])
    data = prepare("cifar10")
    assert replace(data, files={}).sha256 == data.sha256
    others = [replace(data, mean=data.mean + 1), replace(data, std=data.std + 1)]
    assert len({data.sha256, *(other.sha256 for other in others)}) == 3


# What is refused


def changed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Members], Members]:
    return lambda members: {key: change(value) if key.endswith(name) else value for key, value in members.items()}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda members: {**members, f"{CIFAR10}/../../escaped": b""}, "escaped', whose path leads out of the archive"),
        (lambda members: {**members, "/tmp/escaped": b""}, "'/tmp/escaped', whose path leads out of the archive"),
        (changed("batch_3.bin", lambda content: content[:-1]), "30,729 bytes in cifar-10-batches-bin/data_batch_3.bin"),
        (
            changed("batch_3.bin", lambda content: b""),
            "has 0 bytes in cifar-10-batches-bin/data_batch_3.bin; records of",
        ),
        (
            changed("test_batch.bin", lambda content: b"\x0a" + content[1:]),
            "the label 10; the 10 classes are labelled 0",
        ),
        (changed("meta.txt", lambda content: content + b"lorry\n"), "names 11 classes; 10 are needed"),
        (changed("meta.txt", lambda content: b""), "names 0 classes; 10 are needed"),
    ],
)
def test_a_member_that_is_not_as_published(mirror, change, words) -> None:
    refused(mirror({"cifar-10-binary.tar.gz": tar_gz(change(cifar10()))}), "cifar10", words)


@pytest.mark.parametrize("number", range(7))
def test_a_missing_member(mirror, number) -> None:
    members = cifar10()
    name = [name for name in members if not name.endswith("html")][number]
    del members[name]
    refused(mirror({"cifar-10-binary.tar.gz": tar_gz(members)}), "cifar10", f"has no file {name}")


def test_the_members_of_cifar_100(mirror) -> None:
    for name in (f"{CIFAR100}/train.bin", f"{CIFAR100}/test.bin", f"{CIFAR100}/fine_label_names.txt"):
        members = cifar100()
        del members[name]
        refused(mirror({"cifar-100-binary.tar.gz": tar_gz(members)}), "cifar100", f"has no file {name}")
    wrong = changed("train.bin", lambda content: b"\x00\x64" + content[2:])(cifar100())
    refused(mirror({"cifar-100-binary.tar.gz": tar_gz(wrong)}), "cifar100", "the label 100; the 100 classes")


def info(name: str, kind: bytes, size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.size, made.linkname = kind, size, "/etc/passwd"
    return made


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (info(f"{CIFAR10}/link", tarfile.SYMTYPE), "link', which is neither a file nor a folder"),
        (info(f"{CIFAR10}/link", tarfile.LNKTYPE), "link', which is neither a file nor a folder"),
        (info(f"{CIFAR10}/pipe", tarfile.FIFOTYPE), "pipe', which is neither a file nor a folder"),
        (info(f"{CIFAR10}/test_batch.bin", tarfile.REGTYPE), "'cifar-10-batches-bin/test_batch.bin' twice"),
        (info(f"{CIFAR10}/sparse", tarfile.GNUTYPE_SPARSE), "sparse', which is neither a file nor a folder"),
    ],
)
def test_a_member_that_no_publisher_would_add(mirror, member, words) -> None:
    refused(mirror({"cifar-10-binary.tar.gz": tar_gz(cifar10(), member)}), "cifar10", words)


@pytest.mark.parametrize("share", [0, 0.001, 0.3, 0.99])
def test_an_archive_that_is_cut_off(mirror, share) -> None:
    whole = FILES["cifar10"]["cifar-10-binary.tar.gz"]
    cut = whole[: int(len(whole) * share)]
    refused(mirror({"cifar-10-binary.tar.gz": cut}), "cifar10", "is damaged or no tar.gz archive")


def test_a_member_whose_size_is_no_size(mirror) -> None:
    long_name = info("././@LongLink", tarfile.GNUTYPE_LONGNAME, 2**80).tobuf(tarfile.GNU_FORMAT)
    content = gzip.compress(long_name + gzip.decompress(FILES["cifar10"]["cifar-10-binary.tar.gz"]), 1)
    refused(mirror({"cifar-10-binary.tar.gz": content}), "cifar10", "is damaged or no tar.gz archive")


SMALL = gzip.decompress(tar_gz({"a/b": b"content" * 100}))


def header(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    return info(name, kind, size).tobuf(tarfile.GNU_FORMAT)


def pax(name: str, **fields: str) -> bytes:
    made = info(name, tarfile.REGTYPE)
    made.pax_headers = fields
    return made.tobuf(tarfile.PAX_FORMAT)


@pytest.mark.parametrize("one", [header, lambda name: pax(name, mtime="1.5")], ids=["plain", "pax"])
def test_a_tar_with_more_members_than_any_publishers_is_refused(tmp_path, one) -> None:
    path, most = tmp_path / "many.tar.gz", archive_formats.MAX_MEMBERS - 2  # SMALL has two
    members = [one(str(number)) for number in range(most + 1)]
    path.write_bytes(gzip.compress(b"".join(members[:most]) + SMALL, 1))
    assert archive_formats.read_tar(path, ["a/b"]) == {"a/b": b"content" * 100}
    path.write_bytes(gzip.compress(b"".join(members) + SMALL, 1))
    with pytest.raises(UserError, match="has more than 300 members, the most that are read; put a whole copy"):
        archive_formats.read_tar(path, ["a/b"])


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (header("././@LongLink", tarfile.GNUTYPE_LONGNAME, 4096) + b"n" * 4096, "or one of more than 2,048"),
        (header("././@LongLink", tarfile.GNUTYPE_LONGNAME, -512), "or one of more than 2,048"),
        (header("././@LongLink", tarfile.GNUTYPE_LONGLINK, 512) * 2000, "is damaged or no tar.gz archive"),
        (pax("long", comment="?" * 4096), "or one of more than 2,048"),
        (b"".join(pax(f"{n}", comment="?" * 1500) for n in range(250)), "headers of more than 525,000 bytes"),
        (pax("huge", size=str(10**30)), "bytes in all"),
        (pax("sparse", **{"GNU.sparse.map": "0,1", "GNU.sparse.size": str(2**40)}), "is neither a file nor a folder"),
        (header("more", size=2**40), "has the member 'more' of 1,099,511,627,776 bytes, and"),
        (header("less", size=-512), "has the member 'less' of -512 bytes, and"),
        (header("n" * 30 + "\n", kind=tarfile.FIFOTYPE), "n\\n', which is neither"),
        (header("a/b", size=len(SMALL) + 1), "is damaged or no tar.gz archive (unexpected end of data)"),
    ],
)
def test_a_tar_whose_headers_lie_or_are_no_publishers(tmp_path, first, words) -> None:
    path = tmp_path / "small.tar.gz"
    path.write_bytes(gzip.compress(first + SMALL, 1))
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as caught:
            archive_formats.read_tar(path, ["a/b"])
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_long_names_are_read(tmp_path) -> None:
    """Those of both formats, which stand in headers of their own."""
    path, name = tmp_path / "small.tar.gz", "folder/" * 40 + "ü"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(path, "w:gz", format=kind) as archive:
            archive.addfile(info(name, tarfile.REGTYPE, 4), io.BytesIO(b"this"))
        assert archive_formats.read_tar(path, [name]) == {name: b"this"}


@given(st.integers(0, len(SMALL) - 1), st.integers(0, 255), st.integers(1, len(SMALL)))
def test_other_bytes_in_a_tar_are_refused_or_read(tmp_path_factory, place, byte, length) -> None:
    content = bytearray(SMALL)
    content[place] = byte
    path = tmp_path_factory.getbasetemp() / "small.tar.gz"
    path.write_bytes(gzip.compress(bytes(content[:length]), 1))
    try:
        assert set(archive_formats.read_tar(path, ["a/b"])) == {"a/b"}
    except UserError as error:
        assert str(path) in str(error)


def zipped(change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda content: gzip.compress(change(gzip.decompress(content)), 1)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        (
            "train-images",
            zipped(lambda content: content[:-1]),
            "has 39,199 values, fewer than the 39,200 of its shape (50, 28, 28)",
        ),
        (
            "train-images",
            zipped(lambda content: content + b"?"),
            "has 39,201 values, more than the 39,200 of its shape",
        ),
        ("train-images", zipped(lambda content: b"\0\0\x08\x01" + content[4:]), "starts with 00000801; 00000803 and a"),
        ("train-labels", zipped(lambda content: b"\0\0\x09\x01" + content[4:]), "starts with 00000901; 00000801 and a"),
        ("train-labels", zipped(lambda content: content[:7]), "starts with 00000801; 00000801 and a shape are needed"),
        ("t10k-labels", zipped(lambda content: b""), "starts with ; 00000801"),
        ("t10k-labels", zipped(lambda content: idx(np.zeros(0))), "has the shape (0,); 1 to"),
        ("t10k-labels", zipped(lambda content: content[:4] + b"\xff" * 4 + content[8:]), "has the shape (4294967295,)"),
        (
            "t10k-labels",
            zipped(lambda content: idx(np.zeros(19))),
            "has the shape (20, 28, 28); (19, 28, 28) goes with",
        ),
        (
            "t10k-images",
            zipped(lambda content: idx(np.zeros((20, 28, 27)))),
            "has the shape (20, 28, 27); (20, 28, 28)",
        ),
        ("t10k-labels", zipped(lambda content: content[:-1] + b"\x0a"), "has the label 10; the 10 classes"),
        ("t10k-labels", lambda content: content[:-9], "is damaged or no gzip file"),
        ("t10k-labels", lambda content: content[:12] + b"\xff\xff" + content[14:], "is damaged or no gzip file"),
        ("t10k-labels", gzip.decompress, "is damaged or no gzip file"),
    ],
)
def test_an_idx_file_that_is_not_as_published(mirror, name, change, words) -> None:
    files = {
        file: change(content) if file.startswith(name) else content for file, content in FILES["fashion_mnist"].items()
    }
    refused(mirror(files), "fashion_mnist", name, words)


# Statistics and parts of images


@given(arrays.arrays("uint8", st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))))
def test_channel_statistics_are_those_of_numpy(images) -> None:
    mean, std = channel_statistics(images)
    assert (mean.dtype, std.dtype) == ("float32", "float32")
    np.testing.assert_array_equal(mean, images.mean((0, 1, 2)).astype("float32"))
    varies = np.ptp(images, (0, 1, 2)) > 0
    np.testing.assert_allclose(std[varies], images.std((0, 1, 2))[varies], rtol=1e-6)
    assert (std[~varies] == 1).all()
    assert (((images - mean) / std)[..., ~varies] == 0).all()


@st.composite
def data_sets(draw: st.DrawFn) -> DataSet:
    """Draw a data set of images whose pixels are the numbers of the rows, or of a table."""
    classes = draw(st.integers(2, 5))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    parts = []
    for least in (1, 0, 1):
        counts = draw(st.lists(st.integers(least, 12), min_size=classes, max_size=classes))
        labels = random.permutation(np.repeat(np.arange(classes), counts)).astype("int32")
        parts.append(Split(np.arange(len(labels), dtype="uint8").reshape(-1, 1, 1, 1), labels))
    description = Description("title", "multiclass_classification", "source", "licence")
    statistics = channel_statistics(parts[0].inputs)
    if draw(st.booleans()):
        parts = [Split(part.inputs.reshape(-1, 1).astype("float32"), part.labels) for part in parts]
        statistics = (None, None)
    return DataSet(description, tuple("abcde"[:classes]), *parts, *statistics, files={"a": "0"})


@given(data_sets(), st.data(), st.integers(0, 2**32 - 1))
def test_a_subset_has_its_sizes_the_order_of_the_rows_and_the_shares_of_the_classes(data, drawn, seed) -> None:
    least = len(data.class_names)
    sizes = {
        f"{name}_rows": drawn.draw(st.none() | (st.integers(least, rows) if rows >= least else st.just(None)))
        for name, rows in data.rows.items()
    }
    try:
        part = subset(data, **sizes, seed=seed)
    except UserError as error:
        assert "too few for rows of two classes" in str(error)
        assert np.bincount(data.train.labels).max() * sizes["train_rows"] > len(data.train.labels) * (least - 1)
        return
    assert part.sha256 == subset(data, **sizes, seed=seed).sha256
    assert (part.description, part.class_names, part.files) == (data.description, data.class_names, data.files)
    for name in SPLITS:
        whole, chosen, size = getattr(data, name), getattr(part, name), sizes[f"{name}_rows"]
        rows = chosen.inputs.ravel().astype(int)
        assert len(rows) == (len(whole.labels) if size is None else size)
        assert (np.diff(rows) > 0).all()
        np.testing.assert_array_equal(chosen.labels, whole.labels[rows])
        counts = [np.bincount(labels, minlength=least) for labels in (whole.labels, chosen.labels)]
        assert (np.abs(counts[1] - counts[0] * len(rows) / max(len(whole.labels), 1)) < 1).all()
    if data.mean is None:
        assert part.mean is None and part.std is None
    else:
        np.testing.assert_array_equal((part.mean, part.std), channel_statistics(part.train.inputs))


def test_subsets_with_other_seeds_have_other_rows_and_all_of_them_is_the_same() -> None:
    part = Split(np.arange(100, dtype="float32")[:, None], np.arange(100, dtype="int32") % 2)
    data = DataSet(Description("", "binary_classification", "", ""), ("no", "yes"), part, part, part)
    nothing = {"train_rows": None, "validation_rows": None, "test_rows": None}
    assert subset(data, **nothing, seed=0).sha256 == data.sha256
    assert subset(data, train_rows=100, validation_rows=100, test_rows=100, seed=0).sha256 == data.sha256
    assert len({subset(data, **nothing | {"train_rows": 50}, seed=seed).sha256 for seed in range(9)}) == 9
    assert subset(data, **nothing | {"validation_rows": 0}, seed=0).rows == {"train": 100, "validation": 0, "test": 100}


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ((9, None, None), "train_rows is 9; with 10 classes at least 10 rows are needed"),
        ((0, None, None), "train_rows is 0; with 10 classes"),
        ((51, None, None), "train_rows is 51; at most 50 are allowed"),
        ((None, 10, None), "validation_rows is 10; at most 0 are allowed"),
        ((None, 1, None), "validation_rows is 1; with 10 classes"),
        ((None, -1, None), "validation_rows is -1; with 10 classes"),
        ((None, None, 21), "test_rows is 21; at most 20 are allowed"),
        ((None, None, 0), "test_rows is 0; with 10 classes"),
    ],
)
def test_a_subset_that_cannot_be(mirror, sizes, words) -> None:
    mirror(FILES["fashion_mnist"])
    names = ("train_rows", "validation_rows", "test_rows")
    with pytest.raises(UserError, match=words):
        subset(prepare("fashion_mnist"), **dict(zip(names, sizes, strict=True)), seed=0)


def test_rows_that_cannot_be_held_out_of_every_class() -> None:
    part = Split(np.zeros((9, 1)), np.array([0] * 8 + [1]))
    with pytest.raises(UserError, match="3 of 9 rows cannot be set apart with all classes in both"):
        hold_out(part, validation_rows=3, seed=0)
