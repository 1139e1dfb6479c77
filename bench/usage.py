"""What a process uses: its CPU, exactly."""

import time


def cpu_seconds(pid: int) -> float:
    """CPU that all threads of a process have had, in nanoseconds' steps; /proc/PID/stat counts in steps of 10 ms.

    Linux makes a process's clock of its id (`clock_getcpuclockid`), for which Python has no function.
    """
    return time.clock_gettime((~pid << 3) | 2)
