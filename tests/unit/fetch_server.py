#!/usr/bin/env python3
"""A debuginfod server at a port of its own, which it prints: what becomes of a request depends on the build id."""
import socket
import struct
import threading
import time


def elf(build_id, tail=b""):
    """A file with that build id and nothing else but TAIL, in front of the list of its sections."""
    note = struct.pack("<III", 4, len(build_id), 3) + b"GNU\0" + build_id + bytes(-len(build_id) % 4)
    names = b"\0.note\0.shstrtab\0"
    at = 64 + len(note) + len(names) + len(tail)
    section = lambda name, kind, offset, size: struct.pack("<IIQQQQIIQQ", name, kind, 0, 0, offset, size, 0, 0, 4, 0)
    header = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 0, at, 0, 64, 56, 0, 64, 3, 2)
    sections = bytes(64) + section(1, 7, 64, len(note)) + section(7, 3, 64 + len(note), len(names))
    return header + note + names + tail + sections


def answer(connection, path):
    send = connection.sendall
    found = lambda body, size=None: send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (size or len(body)) + body)
    moved = lambda to: send(b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % to)
    kind = path[len("/buildid/"):-len("/debuginfo")] if path.startswith("/buildid/") and path.endswith("/debuginfo") else path
    if kind == "aa01":
        found(elf(b"\xaa\x01", b"first"))
    elif kind == "aa03":
        time.sleep(0.3)
        found(elf(b"\xaa\x03", b"late"))
    elif kind == "aa04":
        time.sleep(1000)
    elif kind == "aa05":  # not even HTTP
        send(bytes(range(256)) * 16)
    elif kind == "aa06":
        found(elf(b"\xaa\x06", bytes(5000)))
    elif kind == "aa07":
        moved(b"file:///etc/passwd")
    elif kind == "aa08":
        found(elf(b"\xaa\x08"), 4000)
    elif kind == "aa09":
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            send(bytes(65536))
    elif kind == "aa10":
        moved(b"/buildid/aa10/debuginfo")
    elif kind == "aa11":
        send(b"HTTP/1.1 200 OK\r\n")
        while True:
            send(b"".join(b"X-%d: %s\r\n" % (i, bytes(1000).replace(b"\0", b"x")) for i in range(50)))
    elif kind == "aa12":
        send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            send(b"x")
            time.sleep(0.1)
    elif kind == "aa13":
        found(elf(b"\xaa\x01"))
    elif kind == "aa14":
        found(b"<html>Pay here for the network</html>")
    elif kind == "aa15":  # cut, with no size to tell that
        send(b"HTTP/1.1 200 OK\r\n\r\n" + elf(b"\xaa\x15")[:-64])
    elif kind == "aa16":
        moved(b"/elsewhere")
    elif kind == "/elsewhere":
        found(elf(b"\xaa\x16", b"moved"))
    else:
        send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


def serve(connection):
    try:
        answer(connection, connection.recv(65536).decode().split(" ")[1])
    except OSError:
        pass
    connection.close()


server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
