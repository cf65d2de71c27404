"""Make .venv ready: one environment with the pinned packages of a requirements file and this checkout, editable.

    python3 deploy/setup_env.py REQUIREMENTS.txt

Runs on a bare Python >= 3.11: uses uv where it is installed, else venv with its own pip, else (a system without the
package python3-venv) a venv without pip that the system's pip fills. What is missing is said in one line, exit 2.
Does nothing when the environment already holds what the file asks for.
"""

import hashlib
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")


def fail(message):
    """One line on what is missing, exit 2."""
    print("setup: " + message, file=sys.stderr)
    sys.exit(2)


def works(*command):
    """Whether a command ends with 0."""
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.returncode == 0


def run(*command):
    """Run a step; its failure ends the set-up with its own output above our line."""
    done = subprocess.run(command, check=False)
    if done.returncode:
        fail("failed (exit %d): %s" % (done.returncode, " ".join(command[:6])))


def fingerprint(requirements):
    """What the environment must hold: the pinned file and the project's own metadata."""
    digest = hashlib.sha256(sys.version.encode())
    for name in (requirements, os.path.join(ROOT, "pyproject.toml")):
        with open(name, "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def create():
    """Create .venv; return the command that installs into it."""
    if shutil.which("uv"):
        run("uv", "venv", "--quiet", "--clear", "--python", sys.executable, VENV)
        return ["uv", "pip", "install", "--quiet", "--python", PYTHON]
    shutil.rmtree(VENV, ignore_errors=True)
    if works(sys.executable, "-m", "venv", VENV) and works(PYTHON, "-m", "pip", "--version"):
        return [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    shutil.rmtree(VENV, ignore_errors=True)
    if not works(sys.executable, "-m", "venv", "--without-pip", VENV):
        fail("this Python has no 'venv' module: install python3-venv (Debian, Ubuntu) or uv, then run make again")
    if not works(sys.executable, "-m", "pip", "--python", PYTHON, "--version"):
        fail("no pip found: install python3-venv or python3-pip (Debian, Ubuntu) or uv, then run make again")
    return [sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "--disable-pip-version-check"]


def main():
    """Set up, unless the stamp says that all is there."""
    if sys.version_info < (3, 11):
        fail("Python 3.11 or newer is needed, this is %s: run make PYTHON=/path/to/python3.11" % sys.version.split()[0])
    if len(sys.argv) != 2:
        fail("usage: setup_env.py REQUIREMENTS.txt")
    requirements = os.path.abspath(sys.argv[1])
    wanted = fingerprint(requirements)
    stamp = os.path.join(VENV, ".ready-" + os.path.basename(requirements))
    if os.path.exists(stamp) and open(stamp).read() == wanted and os.path.exists(PYTHON):
        return
    print("setup: making .venv from %s (about a minute, once)" % os.path.relpath(requirements, ROOT), flush=True)
    install = create()
    run(*install, "--require-hashes", "-r", requirements)
    run(*install, "--no-deps", "--no-build-isolation", "-e", ROOT)
    with open(stamp, "w") as file:
        file.write(wanted)


if __name__ == "__main__":
    main()
