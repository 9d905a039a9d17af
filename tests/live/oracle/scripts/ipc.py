# SPDX-License-Identifier: Apache-2.0
"""Multiprocessing, semaphores, shared memory, pipes, queues."""
import multiprocessing
import multiprocessing.shared_memory
import os


def work(n):
    return n * 2


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    with multiprocessing.Pool(2) as pool:
        assert pool.map(work, range(10)) == [n * 2 for n in range(10)]
        pool.close()
        pool.join()
    block = multiprocessing.shared_memory.SharedMemory(name="oracle-%d" % os.getpid(), create=True, size=100)
    block.buf[0] = 1
    block.close()
    block.unlink()
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=queue.put, args=("x",))
    process.start()
    assert queue.get() == "x"
    process.join()
