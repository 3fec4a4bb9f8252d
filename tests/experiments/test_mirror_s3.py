"""A mirror in an object store, spoken to over HTTP by s3fs; the store is moto's, on this machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from experiments.mirror import Mirror
from experiments.mirrored_runs import open_mirror, pull_run, push_run
from experiments.runtime.store import Run
from tests.experiments.test_mirror import files, finished_run, make

pytest.importorskip("s3fs", reason="needs s3fs: pip install 'triggerlens[s3]'")
pytest.importorskip("moto.server", reason="needs a store to speak to: pip install 'moto[server]'")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import boto3
    from fsspec.config import conf
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setitem(conf, "s3", {"endpoint_url": f"http://{host}:{port}"})
    boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="bucket")
    yield "s3://bucket/runs/demo"
    server.stop()


def test_a_run_goes_on_from_an_object_store(bucket: str, tmp_path: Path) -> None:
    mirror = open_mirror(bucket, tmp_path / "a")
    run = finished_run(tmp_path / "a", mirror)
    push_run(run, mirror)
    from_there = finished_run(tmp_path / "b", Mirror(bucket), content="b")
    assert files(from_there / "steps") == files(run / "steps")
    pull_run(tmp_path / "c", mirror)
    assert files(tmp_path / "c") == files(run)
    step = next((run / "steps").iterdir()).name
    mirror.unseal(f"steps/{step}")
    assert make(Run(tmp_path / "d", mirror=mirror)).todo


def test_a_bucket_that_is_not_there_is_refused_and_not_made(bucket: str, tmp_path: Path) -> None:
    import s3fs

    with pytest.raises(ValueError, match="cannot be written and read"):
        open_mirror("s3://buckett/run", tmp_path / "a")
    assert not s3fs.S3FileSystem().exists("buckett")
