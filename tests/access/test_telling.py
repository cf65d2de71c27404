"""What the server's log tells of an error: where it happened, never what variables held."""

import pytest
import structlog

from alertline.logs import LogFormat, configure_logging

pytestmark = pytest.mark.usefixtures("logging_as_before")


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_traceback_holds_no_variables(form: LogFormat, capsys: pytest.CaptureFixture[str]) -> None:
    """A token that lay in a variable when something failed is not in the log; the line of code is."""
    configure_logging(form)
    log = structlog.get_logger("test")

    def fails(authorization: str) -> None:
        if authorization:
            raise RuntimeError("broken")

    secret = "hunt" + "er2"
    try:
        fails(secret)
    except RuntimeError as error:
        log.error("request.failed", exc_info=error)  # noqa: TRY400 - as the server does it
    said = capsys.readouterr().err

    assert "broken" in said
    assert "fails" in said
    assert secret not in said
