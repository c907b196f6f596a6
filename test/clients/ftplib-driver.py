"""One operation of Python's ftplib, told as JSON on standard input."""

import ftplib
import json
import sys


def main():
    request = json.load(sys.stdin)
    login = request["login"]
    ftp = ftplib.FTP(encoding="utf-8", timeout=110)
    ftp.connect(login["host"], login["port"])
    ftp.login(login["user"], login["password"])
    operations[request["operation"]](ftp, *request["args"])
    ftp.quit()


def put(ftp, local_file, remote_path):
    with open(local_file, "rb") as source:
        ftp.storbinary("STOR " + remote_path, source, blocksize=65536)


def get(ftp, remote_path, local_file):
    with open(local_file, "wb") as target:
        ftp.retrbinary("RETR " + remote_path, target.write, blocksize=65536)


def list_names(ftp, directory):
    names = [name for name, facts in ftp.mlsd(directory) if facts["type"] in ("file", "dir")]
    json.dump(names, sys.stdout)


operations = {
    "put": put,
    "get": get,
    "list": list_names,
    "rename": lambda ftp, source, target: ftp.rename(source, target),
    "delete": lambda ftp, path: ftp.delete(path),
    "mkdir": lambda ftp, path: ftp.mkd(path),
    "rmdir": lambda ftp, path: ftp.rmd(path),
}

main()
