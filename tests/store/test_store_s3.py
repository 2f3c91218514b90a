"""The workspace on a real S3 server. Runs where `s3fs` and `moto[server]` are installed."""

import secrets

import pytest
from store_rows import Row, batches, failed, key, ok

from clipmill.store import StorageError, Workspace, WorkspaceLockedError

pytest.importorskip("s3fs")
moto_server = pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def bucket():
    import boto3

    server = moto_server.ThreadedMotoServer(port=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server.start()
        _, port = server.get_host_and_port()
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        boto3.client("s3").create_bucket(Bucket="clipmill-test")
        yield "s3://clipmill-test"
        server.stop()


@pytest.fixture
def workspace(bucket):
    return Workspace.open(f"{bucket}/{secrets.token_hex(4)}/ws", create=True)


def test_files_and_large_files_come_back(workspace):
    workspace.write_text("a b/ü.txt", "x")
    assert workspace.names("a b") == ["ü.txt"]
    assert workspace.read_text("a b/ü.txt") == "x"
    assert workspace.read_text("a b/none.txt") is None
    large = secrets.token_bytes(33 << 20)
    workspace.write_bytes("large.bin", large)
    assert workspace.read_bytes("large.bin") == large


def test_rows_survive_commits_merges_and_compaction(workspace):
    table = workspace.annotation("things", "f", Row)
    for unit in batches((failed(n) if n % 5 == 0 else ok(n) for n in range(120)), 3):
        table.append(unit)
    reader = Workspace.open(workspace.root).annotation("things", "f", Row)
    assert reader.status().num_rows == 120
    table.compact()
    assert len(workspace.names(table.path)) == 1
    assert reader.status().num_rows == 120
    assert set(reader.read([key(1), key(5)])) == {key(1)}


def test_the_lock_keeps_a_second_run_out(workspace):
    with workspace.lock(), pytest.raises(WorkspaceLockedError), workspace.lock():
        pass
    with workspace.lock():
        pass


def test_a_mistyped_bucket_is_an_error_and_is_not_made(bucket):
    import boto3

    with pytest.raises(StorageError, match="cannot write s3://no-such-bucket/ws"):
        Workspace.open("s3://no-such-bucket/ws", create=True)
    assert [b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"]] == ["clipmill-test"]
