"""The actions of the client suite with Python's ftplib, as scripts use it (library.ts has the protocol)."""

import calendar
import ftplib
import os
import ssl
import sys
import time
from urllib.parse import quote, unquote

answers = sys.stdout
sys.stdout = sys.stderr  # ftplib prints what it sends and receives
block_bytes = 65536


def connect(password=os.environ["FTP_PASSWORD"]):
    if os.environ["FTP_MODE"] == "explicit":
        context = ssl.create_default_context(cafile=os.environ["FTP_CA_FILE"])
        ftp = ftplib.FTP_TLS(context=context, timeout=50)
    else:
        ftp = ftplib.FTP(timeout=50)
    ftp.set_debuglevel(1)
    ftp.connect(os.environ["FTP_HOST"], int(os.environ["FTP_PORT"]))
    ftp.login(os.environ["FTP_USER"], password)
    if os.environ["FTP_MODE"] == "explicit":
        ftp.prot_p()
    return ftp


def session(action):
    """An action with a session of its own around it."""

    def run(*words):
        ftp = connect()
        try:
            values = action(ftp, *words)
            ftp.quit()
            return values
        finally:
            ftp.close()

    return run


def login(password):
    ftp = connect(password)
    ftp.pwd()
    ftp.quit()


@session
def list_long(ftp, directory):
    lines = []
    ftp.dir(directory, lines.append)
    return lines


@session
def list_names(ftp, path):
    return [word for name in ftp.nlst(path) for word in (name, "")]


@session
def list_facts(ftp, directory):
    values = []
    for name, facts in ftp.mlsd(directory):
        if facts["type"] in ("file", "dir"):
            values += [name, facts.get("size", "") if facts["type"] == "file" else ""]
    return values


def send(ftp, command, local, **options):
    with open(local, "rb") as source:
        ftp.storbinary(command, source, blocksize=block_bytes, **options)


def receive(ftp, remote, local, mode="wb", **options):
    with open(local, mode) as target:
        ftp.retrbinary("RETR " + remote, target.write, blocksize=block_bytes, **options)


@session
def put_text(ftp, local, remote):
    with open(local, "rb") as source:
        ftp.storlines("STOR " + remote, source)


@session
def get_text(ftp, remote, local):
    with open(local, "w", encoding="utf-8", newline="") as target:
        ftp.retrlines("RETR " + remote, lambda line: target.write(line + "\n"))


@session
def resume_get(ftp, remote, local):
    receive(ftp, remote, local, mode="ab", rest=os.path.getsize(local))


@session
def resume_put(ftp, local, remote):
    ftp.voidcmd("TYPE I")
    offset = ftp.size(remote)
    with open(local, "rb") as source:
        source.seek(offset)
        ftp.storbinary("STOR " + remote, source, blocksize=block_bytes, rest=offset)


@session
def put_many(ftp, local, remote, *names):
    for name in names:
        send(ftp, "STOR " + remote + "/" + name, os.path.join(local, name))


@session
def get_many(ftp, remote, local, *_):
    for path in ftp.nlst(remote + "/*.bin"):
        name = os.path.basename(path)
        receive(ftp, remote + "/" + name, os.path.join(local, name))


@session
def size(ftp, path):
    ftp.voidcmd("TYPE I")
    return [ftp.size(path)]


@session
def modified(ftp, path):
    stamp = ftp.sendcmd("MDTM " + path)[4:18]
    return [calendar.timegm(time.strptime(stamp, "%Y%m%d%H%M%S"))]


def after_abort(ftp):
    """The answers of transfer and ABOR come in either order and number; the session goes on."""
    marker = ftp.sendcmd("NOOP")
    while not marker.startswith("200"):
        marker = ftp.getresp()
    ftp.pwd()


@session
def abort_put(ftp, local, remote):
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("STOR " + remote)
    with open(local, "rb") as source:
        data.sendall(source.read())
    answer(["waiting"])
    sys.stdin.readline()
    ftp.abort()
    data.close()
    after_abort(ftp)


@session
def abort_get(ftp, remote, least_bytes):
    ftp.voidcmd("TYPE I")
    data = ftp.transfercmd("RETR " + remote)
    received = 0
    while received < int(least_bytes):
        received += len(data.recv(block_bytes))
    ftp.abort()
    data.close()
    after_abort(ftp)


actions = {
    "login": login,
    "list-long": list_long,
    "list-names": list_names,
    "list-facts": list_facts,
    "put": session(lambda ftp, local, remote: send(ftp, "STOR " + remote, local)),
    "get": session(receive),
    "put-text": put_text,
    "get-text": get_text,
    "resume-get": resume_get,
    "resume-put": resume_put,
    "append": session(lambda ftp, local, remote: send(ftp, "APPE " + remote, local)),
    "put-many": put_many,
    "get-many": get_many,
    "rename": session(lambda ftp, source, target: void(ftp.rename(source, target))),
    "delete": session(lambda ftp, path: void(ftp.delete(path))),
    "make-directory": session(lambda ftp, path: void(ftp.mkd(path))),
    "remove-directory": session(lambda ftp, path: void(ftp.rmd(path))),
    "size": size,
    "modified": modified,
    "abort-put": abort_put,
    "abort-get": abort_get,
}


def void(_):
    return None


def answer(words):
    print("\t".join(quote(str(word), safe="") for word in words), file=answers, flush=True)


for line in sys.stdin:
    action, *words = (unquote(word) for word in line.rstrip("\n").split("\t"))
    try:
        answer(["ok", *(actions[action](*words) or [])])
    except Exception as error:  # whatever it is, the row that asked shows it
        answer(["error", type(error).__name__ + ": " + str(error)])
