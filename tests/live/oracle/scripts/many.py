# SPDX-License-Identifier: Apache-2.0
"""Much of Python's library: threads, processes, a database, TLS, temporary files, sockets."""
import concurrent.futures
import hashlib
import json
import mmap
import os
import socket
import sqlite3
import ssl
import subprocess
import tempfile
import threading
import warnings
import zipfile

# Python 3.12 warns of a fork beside threads, if the pool's have not ended yet.
warnings.simplefilter("ignore", DeprecationWarning)

with concurrent.futures.ThreadPoolExecutor(4) as pool:
    assert sum(pool.map(lambda x: x * x, range(100))) == 328350
assert subprocess.run(["sh", "-c", "exit 3"], check=False).returncode == 3
assert subprocess.check_output("echo $((1+2)) | cat", shell=True) == b"3\n"
database = sqlite3.connect("data.db")
database.execute("create table t(a)")
database.executemany("insert into t values(?)", [(i,) for i in range(1000)])
database.commit()
assert database.execute("select count(*) from t").fetchone() == (1000,)
database.close()
ssl.create_default_context()
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b" * 1000)
    with zipfile.ZipFile(path) as archive:
        assert archive.read("a") == b"b" * 1000
with open("map", "w+b") as file:
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 8192) as memory:
        memory[0:4] = b"abcd"
server = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=lambda: server.accept()[0].sendall(b"hi"), daemon=False).start()
with socket.create_connection(server.getsockname()) as client:
    assert client.recv(2) == b"hi"
left, right = socket.socketpair()
left.sendall(b"x")
assert right.recv(1) == b"x"
with socket.socket(socket.AF_UNIX) as unix:
    unix.bind("socket")
    unix.listen()
    with socket.socket(socket.AF_UNIX) as other:
        other.connect("socket")
pid = os.fork()
if pid == 0:
    os._exit(4)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
hashlib.scrypt(b"x", salt=b"y", n=2, r=1, p=1)
json.dump({"a": 1}, open("out.json", "w"))
os._exit(9)
