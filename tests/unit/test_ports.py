"""The ports of the tests themselves: two tests at the same time must not get the same one."""

import socket
import subprocess
import sys

from tests.ports import HOST, free_from, free_ports


def test_nobody_gets_what_another_has_just_been_given() -> None:
    code = "from tests.ports import free_ports; print(*[free_ports(1)[0] for _ in range(50)])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)  # nothing from outside
        for _ in range(3)
    ]
    given = [int(port) for each in processes for port in each.communicate()[0].split()]
    assert len(given) == 150
    assert len(set(given)) == 150


def test_a_port_in_use_is_passed_over() -> None:
    [port] = free_ports(1)
    with socket.socket() as used:
        used.bind((HOST, port))
        assert next(free_from(port)) != port
