"""Reactions to changes of stages and mentors: direct messages, and reminders of renewals."""

from incidents.engine.plan import Plan
from incidents.engine.reminders import CancelReminder, Remind, ReminderKind
from incidents.supervision.effects import (
    ShowMentorQuestion,
    TellMentorship,
    TellRenewal,
    TellStage,
    UploadProgress,
)
from incidents.supervision.events import (
    MentorshipChanged,
    ProgressRequested,
    RenewalDue,
    RenewalExpected,
    StageSet,
)


def tell_of_stage(plan: Plan[StageSet]) -> None:
    """Tell the person and their mentors the new stage."""
    for person_id in plan.event.told:
        effect = TellStage(record_id=plan.event.record_id, person_id=person_id)
        plan.add(effect, lane=f"dm:{person_id}", name=str(person_id))


def tell_of_mentorship(plan: Plan[MentorshipChanged]) -> None:
    """Ask who has to agree to a mentor, and tell those concerned what changed."""
    event = plan.event
    if event.question_id is not None:
        for person_id in event.asked:
            ask = ShowMentorQuestion(
                mentorship_id=event.mentorship_id,
                question_id=event.question_id,
                person_id=person_id,
            )
            plan.add(ask, lane=f"dm:{person_id}", name=str(person_id))
    for person_id in plan.event.told:
        effect = TellMentorship(mentorship_id=plan.event.mentorship_id, person_id=person_id)
        plan.add(effect, lane=f"dm:{person_id}", name=str(person_id))


def wait_for_mentor_answers(plan: Plan[MentorshipChanged]) -> None:
    """Set the reminder that ends the question about a mentor, or cancel it once it is over."""
    event, kind = plan.event, ReminderKind.MENTOR_UNANSWERED
    if event.question_id is None:
        return
    subject, subject_id = "mentorship", event.mentorship_id
    if event.expires_at is None:
        plan.set_reminder(CancelReminder(kind=kind, subject_type=subject, subject_id=subject_id))
        return
    plan.set_reminder(
        Remind(
            kind=kind,
            subject_type=subject,
            subject_id=subject_id,
            incident_id=None,
            due_at=event.expires_at,
        )
    )


def tell_of_renewal(plan: Plan[RenewalDue]) -> None:
    """Tell the person and their mentors that the sign-off has to be renewed."""
    for person_id in plan.event.told:
        effect = TellRenewal(record_id=plan.event.record_id, person_id=person_id)
        plan.add(effect, lane=f"dm:{person_id}", name=str(person_id))


def remind_of_renewal(plan: Plan[RenewalExpected]) -> None:
    """Set the reminder for the renewal of a sign-off."""
    plan.set_reminder(
        Remind(
            kind=ReminderKind.RENEWAL_DUE,
            subject_type="stage_record",
            subject_id=plan.event.record_id,
            incident_id=None,
            due_at=plan.event.due_at,
        )
    )


def upload_progress(plan: Plan[ProgressRequested]) -> None:
    """Upload the files to the person's direct messages."""
    person_id = plan.event.person_id
    for one in plan.event.formats:
        effect = UploadProgress(person_id=person_id, format=one)
        plan.add(effect, lane=f"dm:{person_id}", name=one)
