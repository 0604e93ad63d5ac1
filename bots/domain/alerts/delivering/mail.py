"""A mail to one address, by the mail server of EMAIL_URL."""

import smtplib

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, TAKEN, UNSURE, Outcome

ADDRESSEE_REFUSED = (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused)


def send(address: str, number: str, subject: str, text: str) -> Outcome:
    """`number` is in the Message-ID, the same when the same delivery is sent again: mailboxes show it once."""
    if settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return Outcome(REFUSED, "no_mail_server", "EMAIL_URL is not set: no mail leaves this portal")
    sender = settings.DEFAULT_FROM_EMAIL
    headers = {"Message-ID": f"<{number}@{sender.rpartition('@')[2].strip('<> ')}>", "Auto-Submitted": "auto-generated"}
    message = EmailMessage(subject, text, sender, [address], headers=headers)
    connection = get_connection()
    try:
        connection.open()
    except (OSError, smtplib.SMTPException) as error:
        return not_begun(error)
    try:
        connection.send_messages([message])
    except smtplib.SMTPException as error:
        return refused(error)
    except OSError:
        return Outcome(UNSURE, "mail_timed_out", "The mail server did not answer to the end")
    finally:
        ended(connection)
    return Outcome(TAKEN, "", taken_by())


def taken_by() -> str:
    if settings.EMAIL_BACKEND.endswith("console.EmailBackend"):
        return "Printed on the portal's console: EMAIL_URL is not set"
    return "The mail server took it"


def not_begun(error: OSError | smtplib.SMTPException) -> Outcome:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Outcome(AGAIN, "mail_login", f"The mail server refused the portal's login ({error.smtp_code})")
    return Outcome(AGAIN, "mail_unreachable", "The mail server of EMAIL_URL cannot be reached")


def refused(error: smtplib.SMTPException) -> Outcome:
    """Codes of 400 and above pass by themselves, those of 500 and above do not (RFC 5321, 4.2.1)."""
    code = code_of(error)
    if code is None:
        return Outcome(UNSURE, "mail_cut", "The mail server closed in the middle")
    what = "this address" if isinstance(error, ADDRESSEE_REFUSED) else "the mail"
    words = f"The mail server refused {what} ({code})"
    return Outcome(REFUSED if code >= 500 else AGAIN, f"smtp_{code}", words)


def code_of(error: smtplib.SMTPException) -> int | None:
    """None: the connection broke, no answer was given."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return next((int(code) for code, _ in error.recipients.values()), 550)
    if isinstance(error, smtplib.SMTPResponseException):
        return int(error.smtp_code) if int(error.smtp_code) >= 400 else None
    return None


def ended(connection: object) -> None:
    """Whether the farewell succeeds says nothing of the mail."""
    try:
        connection.close()  # type: ignore[attr-defined]
    except (OSError, smtplib.SMTPException):
        return
