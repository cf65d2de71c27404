"""Make .venv ready: one environment with the pinned packages of a requirements file and this checkout, editable.

    python3 deploy/setup_env.py REQUIREMENTS.txt

Runs on a bare Python >= 3.11: uses uv where it is installed, else venv with its own pip, else (a system without the
package python3-venv) a venv without pip that the system's pip fills. What is missing is said in one line, exit 2.
Does nothing when the environment already holds what the file asks for. A set-up that did not end is made anew by the
next run; two at a time wait for each other. Where packages come from is the business of your pip or uv settings.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
# settings of the caller's shell that would send packages elsewhere, or let other packages in
MISLEADING = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_PREFIX",
    "PIP_TARGET",
    "PIP_USER",
    "PIP_REQUIRE_HASHES",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
)


def fail(message):
    """One line on what is missing, exit 2."""
    print("setup: " + message, file=sys.stderr)
    sys.exit(2)


def environment():
    """The caller's environment, without what would mislead pip or uv."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    kept["PIP_USER"] = "0"  # also against `user = true` in somebody's pip settings
    return kept


def works(*command):
    """Whether a command ends with 0."""
    quiet = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment(), check=False)
    except OSError:
        return False
    return done.returncode == 0


def run(*command):
    """Run a step; its failure ends the set-up with its own output above our line."""
    done = subprocess.run(command, env=environment(), check=False)
    if done.returncode:
        fail("failed (exit %d): %s … (see above; then run make again)" % (done.returncode, " ".join(command[:5])))


def fingerprint(requirements):
    """What the environment must hold: the pinned file, what the project is built from, this Python, this place."""
    import tomllib  # not before the version of Python is known to be new enough

    digest = hashlib.sha256((sys.version + ROOT).encode())
    try:
        with open(requirements, "rb") as file:
            digest.update(file.read())
        with open(os.path.join(ROOT, "pyproject.toml"), "rb") as file:
            project = tomllib.load(file)
    except OSError as error:
        fail("cannot read %s: %s" % (os.path.relpath(error.filename, ROOT), error.strerror))
    except ValueError as error:
        fail("pyproject.toml: %s" % error)
    # the settings of linters and tests change nothing in it
    parts = [project.get(name) for name in ("build-system", "project")] + [project.get("tool", {}).get("hatch")]
    digest.update(json.dumps(parts, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def is_ready(stamp, wanted):
    """Whether the environment was finished, for just this."""
    try:
        with open(stamp) as file:
            return file.read() == wanted and os.path.exists(PYTHON)
    except OSError:
        return False


def remove():
    """Remove what is there; the stamps first, so that a removal that is cut short is not taken for an environment."""
    if os.path.islink(VENV) or os.path.isfile(VENV):
        os.unlink(VENV)
        return
    if os.path.isdir(VENV):
        for name in os.listdir(VENV):
            if name.startswith(".ready-"):
                os.unlink(os.path.join(VENV, name))
        shutil.rmtree(VENV)


def create():
    """Create .venv; return the command that installs into it."""
    remove()
    if shutil.which("uv"):
        if works("uv", "venv", "--quiet", "--python", sys.executable, VENV):
            return ["uv", "pip", "install", "--quiet", "--python", PYTHON]
        remove()  # a uv that cannot: as if there were none
    if works(sys.executable, "-m", "venv", VENV) and works(PYTHON, "-m", "pip", "--version"):
        return [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    remove()
    if not works(sys.executable, "-m", "venv", "--without-pip", VENV):
        fail("this Python has no 'venv' module: install python3-venv (Debian, Ubuntu) or uv, then run make again")
    if not works(sys.executable, "-m", "pip", "--python", PYTHON, "--version"):
        fail("no pip >= 22.3 found: install python3-venv or python3-pip (Debian, Ubuntu) or uv, then run make again")
    return [sys.executable, "-m", "pip", "--python", PYTHON, "install", "--quiet", "--disable-pip-version-check"]


def wait_for_others():
    """Hold this file until the process ends: a second `make` waits here and then finds everything done."""
    try:
        import fcntl
    except ImportError:  # a system without it: nobody is waited for
        return None
    lock = open(os.path.abspath(__file__))
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def set_up(requirements):
    """Make the environment, and stamp it when all is there."""
    stamp = os.path.join(VENV, ".ready-" + os.path.basename(requirements))
    wanted = fingerprint(requirements)
    if is_ready(stamp, wanted):
        return
    if not os.access(ROOT, os.W_OK):
        fail("cannot write to %s: .venv is made there" % ROOT)
    lock = wait_for_others()
    if not is_ready(stamp, wanted):
        print("setup: making .venv from %s (about a minute, once)" % os.path.relpath(requirements, ROOT), flush=True)
        install = create()
        run(*install, "--require-hashes", "-r", requirements)
        run(*install, "--no-deps", "--no-build-isolation", "-e", ROOT)
        with open(stamp, "w") as file:
            file.write(wanted)
    if lock is not None:
        lock.close()


def main():
    """Set up, unless the stamp says that all is there."""
    if sys.version_info < (3, 11):
        fail("Python 3.11 or newer is needed, this is %s: run make PYTHON=/path/to/python3.11" % sys.version.split()[0])
    if len(sys.argv) != 2:
        fail("usage: setup_env.py REQUIREMENTS.txt")
    try:
        set_up(os.path.abspath(sys.argv[1]))
    except KeyboardInterrupt:
        print("\nsetup: interrupted; the next make begins anew", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        fail("%s: %s" % (error.filename or VENV, error.strerror))


if __name__ == "__main__":
    main()
