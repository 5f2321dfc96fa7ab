"""The one table of reactions: read it to see everything that Sitrep does by itself.

Each line names a kind of entry, or an event outside the timeline, and its reactions in order: pure
functions that plan effects and reminders. Nothing else plans any.
"""

from typing import Final

from incidents.browse import reactions as browse
from incidents.browse.events import HomeOpened
from incidents.calling.entries import (
    CalledPersonCame,
    PageAccepted,
    PageAcknowledged,
    PageDeclined,
    PageEndedThere,
    PageFailed,
)
from incidents.channel import reactions as channel
from incidents.channel.entries import (
    BotRemoved,
    BotReturned,
    ChannelArchived,
    ChannelDeleted,
    ChannelMadePrivateAgain,
    ChannelMadePublic,
    ChannelRefused,
    ChannelShared,
    ChannelUnarchived,
    ChannelUnshared,
    InviteRefused,
    MessagesRemoved,
    SharingAccepted,
)
from incidents.channel.events import (
    ArchivingDue,
    ChannelSuperfluous,
    NewcomerArrived,
    RefusedInvitesChanged,
    StatusCardReplaced,
)
from incidents.checkins import reactions as checkins
from incidents.checkins.entries import CheckinAnswered, CheckinAsked, CheckinDue, CheckinUnderstood
from incidents.drills import reactions as drills
from incidents.drills.entries import DrillActed, DrillChecked, DrillEnded, DrillSignal, DrillStarted
from incidents.drills.events import ScenarioAdvanced
from incidents.engine.entries import Acknowledged, EffectFailed, EffectRetried, WasAway
from incidents.engine.events import (
    CameBack,
    EntryMessageNotRefreshed,
    EntryMessagesOutdated,
    PromptChanged,
    RedactedTextRewritten,
)
from incidents.engine.plan import Row, on, on_workspace
from incidents.engine.reactions import (
    ask,
    catch_up,
    erase_again,
    log,
    look_at_entry_messages_again,
    post,
    refresh_alone,
    refresh_announcement,
    refresh_card,
    refresh_entry_messages,
    say_absence,
    say_failure,
    set_topic,
    show_prompt,
)
from incidents.escalation import reactions as escalation
from incidents.escalation.entries import (
    Escalated,
    EscalationCalled,
    EscalationCompleted,
    EscalationDeclined,
    EscalationExhausted,
    EscalationQuestioned,
    EscalationRedirected,
    EscalationTaken,
    EscalationWithdrawn,
    OnCallUnknown,
)
from incidents.escalation.events import CallNoted, EscalatedChanged, NextStepTimed
from incidents.exports import reactions as exports
from incidents.exports.entries import Exported
from incidents.guidance import reactions as guidance
from incidents.guidance.events import GuidanceAwaited, GuidanceBegun
from incidents.handover import reactions as handover
from incidents.handover.events import (
    HandoverAccepted,
    HandoverAnswered,
    HandoverAsked,
    HandoverOffered,
    HandoverRated,
    HandoverUnaccepted,
    HandoverUndelivered,
    HandoverWaiting,
    HandoverWithdrawn,
)
from incidents.incident.entries import (
    ChannelLinked,
    ChannelOpened,
    Declared,
    Edited,
    MilestoneSet,
    MovedToPrivate,
    SeverityChanged,
    StatusChanged,
    UpdateMissed,
    UpdatePosted,
)
from incidents.incident.role_entries import CommanderChanged, RoleAssigned, RoleEnded
from incidents.learning import reactions as learning
from incidents.learning.events import (
    CallCopied,
    ConversationChanged,
    DebriefAsked,
    DebriefHidden,
    DebriefUnwritten,
    DebriefWritten,
    ForwardOutdated,
    JuniorAsked,
    ShadowBroughtIn,
    ShadowingChanged,
    WatchingChanged,
)
from incidents.lifecycle import reactions as lifecycle
from incidents.lifecycle.entries import DuplicateFound, StaleAnswered, StaleAsked
from incidents.on_call import reactions as on_call
from incidents.on_call.events import OverrideMade, OverrideStopped
from incidents.paging import reactions as paging
from incidents.paging.events import PagesMoved
from incidents.paging.trials import TrialMoved
from incidents.people import reactions as people
from incidents.people.entries import (
    PeopleInvited,
    RemovalRefused,
    SightEnded,
    SightRecovered,
    SightTakenBack,
)
from incidents.people.events import OwnDataRequested
from incidents.postmortem import reactions as postmortem
from incidents.postmortem.entries import (
    ActionItemAdded,
    ActionItemAssigned,
    ActionItemDone,
    PostmortemDrafted,
    PostmortemEdited,
    PostmortemOwnerSet,
    PostmortemPublished,
    PostmortemReminded,
)
from incidents.proposals import reactions as proposals
from incidents.proposals.entries import (
    ActionProposed,
    ApprovalLapsed,
    BreakGlass,
    ObjectionRaised,
    ObjectionsAsked,
    ObjectionsEnded,
    ProposalAbandoned,
    ProposalApproved,
    ProposalCarriedOut,
    ProposalDeclined,
    ProposalExpired,
    ProposalRevised,
    ProposalUnanswered,
    ResultAsked,
)
from incidents.proposals.events import OthersConcerned, WordsRedacted
from incidents.record import reactions as record
from incidents.record.entries import (
    Amended,
    Marked,
    Note,
    Pinned,
    Redacted,
    Revealed,
    Withdrawn,
)
from incidents.record.events import MessageMarked
from incidents.registry.waiting import CHANGE_WAITING
from incidents.roles import reactions as roles
from incidents.roles.entries import (
    CommanderAsked,
    CommanderMissing,
    HandoffAgreed,
    HandoffDeclined,
    HandoffOffered,
    HandoffRequested,
    HandoffUnanswered,
    HandoffWithdrawn,
)
from incidents.supervision import reactions as supervision
from incidents.supervision.events import (
    MentorshipChanged,
    ProgressRequested,
    RenewalDue,
    RenewalExpected,
    StageSet,
)
from incidents.updates import reactions as updates
from incidents.updates.entries import (
    AnnouncementMissed,
    AnnouncementPossible,
    UpdateReminded,
    UpdateSnoozed,
)
from incidents.updates.maintenance import MaintenanceChanged

REACTIONS: Final[tuple[Row, ...]] = (
    # -- incident
    on(
        Declared,
        channel.open_channel,
        updates.keep_cadence,
        roles.watch_for_commander,
        lifecycle.watch_for_silence,
        updates.tell_followers,
    ),
    on(
        StatusChanged,
        channel.bring_channel_back,
        refresh_entry_messages,
        post,
        updates.follow_due,
        roles.watch_while_open,
        lifecycle.watch_for_silence,
        postmortem.pause_postmortem_reminder,
        channel.archive_when_over,
        escalation.show_taken,
        drills.wake_scenario,
        guidance.look_after_guided,
        refresh_card,
        refresh_announcement,
        updates.tell_outside,
        learning.follow_learners,
    ),
    on(
        SeverityChanged,
        lifecycle.post_severity,
        updates.follow_due,
        lifecycle.invite_for_severity,
        guidance.look_after_guided,
        refresh_card,
        refresh_announcement,
        updates.tell_outside,
        set_topic,
        learning.follow_learners,
    ),
    on(
        Edited,
        post,
        channel.add_bookmarks,
        guidance.look_after_guided,
        refresh_card,
        refresh_announcement,
        learning.follow_learners,
    ),
    on(MilestoneSet, refresh_card),
    on(
        UpdatePosted,
        refresh_entry_messages,
        post,
        updates.keep_cadence,
        drills.wake_scenario,
        refresh_card,
        refresh_announcement,
        updates.tell_outside,
    ),
    on(UpdateMissed, refresh_entry_messages, updates.say_miss, refresh_card),
    on(
        RoleAssigned,
        refresh_entry_messages,
        roles.say_role,
        roles.welcome_holder,
        roles.tell_replaced,
        roles.end_command_watch,
        roles.show_commander,
        escalation.show_ladders,
        guidance.look_after_guided,
        refresh_card,
        learning.follow_learners,
    ),
    on(
        RoleEnded,
        roles.say_role,
        roles.tell_released,
        roles.restart_command_watch,
        roles.show_commander,
        escalation.show_ladders,
        guidance.look_after_guided,
        refresh_card,
        learning.follow_learners,
    ),
    on(
        CommanderChanged,
        refresh_entry_messages,
        post,
        roles.welcome_holder,
        roles.tell_replaced,
        roles.settle_handoff,
        roles.end_command_watch,
        roles.show_commander,
        escalation.show_ladders,
        guidance.look_after_guided,
        refresh_card,
        learning.follow_learners,
    ),
    on(
        ChannelOpened,
        refresh_entry_messages,
        channel.furnish_channel,
        refresh_announcement,
        learning.follow_learners,
    ),
    on(
        ChannelLinked,
        refresh_entry_messages,
        post,
        channel.join_channel,
        channel.furnish_channel,
        channel.say_move,
        refresh_announcement,
        learning.follow_learners,
    ),
    on(
        MovedToPrivate,
        refresh_entry_messages,
        post,
        channel.go_private,
        escalation.follow_move,
        proposals.follow_move,
        learning.follow_learners,
    ),
    # -- engine
    on(EffectRetried, refresh_entry_messages),
    on(EntryMessagesOutdated, look_at_entry_messages_again),
    on_workspace(EntryMessageNotRefreshed, refresh_alone),
    on_workspace(RedactedTextRewritten, erase_again),
    on(Acknowledged, refresh_card),
    on(EffectFailed, say_failure),
    on_workspace(CameBack, catch_up),
    on(WasAway, say_absence),
    # -- record
    on(Note, log),
    on(Revealed, record.show_again, roles.show_handoffs, escalation.show_without_words),
    on(MessageMarked, record.fetch_message),
    on(Marked, record.sign_message),
    on(Pinned, record.sign_message),
    on(Amended, record.say_correction),
    on(Withdrawn, record.say_correction, record.sign_message),
    on(
        Redacted,
        record.say_break_glass,
        record.erase_message,
        record.erase_title,
        record.delete_files,
        roles.show_handoffs,
        escalation.show_without_words,
        proposals.erase_words,
        proposals.show_without_title,
    ),
    # -- exports
    on(Exported, exports.upload_export),
    # -- checkins
    on(CheckinAsked, checkins.ask_person, checkins.open_box),
    on(CheckinUnderstood, refresh_entry_messages),
    on(CheckinDue, refresh_entry_messages, checkins.ask_how_it_went),
    on(
        CheckinAnswered,
        refresh_entry_messages,
        checkins.open_next_box,
        checkins.tell_of_answer,
    ),
    # -- lifecycle
    on(DuplicateFound, ask),
    on(StaleAnswered, refresh_entry_messages),
    on(StaleAsked, refresh_entry_messages, ask),
    # -- roles
    on(HandoffOffered, roles.put_handoff, learning.follow_learners),
    on(HandoffRequested, roles.put_handoff, learning.follow_learners),
    on(HandoffDeclined, refresh_entry_messages, post, roles.settle_handoff, roles.tell_parties),
    on(HandoffAgreed, refresh_entry_messages, roles.settle_handoff),
    on(HandoffUnanswered, post, roles.show_unanswered, roles.call_backup),
    on(HandoffWithdrawn, refresh_entry_messages, roles.settle_handoff, roles.tell_parties),
    on(CommanderAsked, roles.ask_on_call),
    on(CommanderMissing, ask, roles.call_backup, roles.end_watch_with_backup),
    # -- updates
    on(UpdateReminded, updates.say_reminder),
    on(UpdateSnoozed, refresh_entry_messages, log, updates.keep_cadence, refresh_card),
    on(AnnouncementMissed, post),
    on(AnnouncementPossible, refresh_announcement),
    # -- channel
    on(
        SightEnded,
        refresh_entry_messages,
        post,
        channel.warn_last_insider,
        refresh_card,
        escalation.close_calls,
        proposals.close_copies,
        channel.take_off_home,
    ),
    on(
        SightTakenBack,
        refresh_entry_messages,
        post,
        channel.remove_person,
        refresh_card,
        escalation.close_calls,
        proposals.close_copies,
        channel.take_off_home,
    ),
    on(RemovalRefused, post, channel.tell_remover),
    on(PeopleInvited, post, channel.invite_people),
    on(SightRecovered, post, channel.tell_of_recovery),
    on(ChannelRefused, channel.tell_declarer, refresh_announcement),
    on(ChannelArchived, channel.follow_archiving),
    on(ChannelUnarchived, refresh_entry_messages, channel.show_topic, refresh_card),
    on(ChannelDeleted, channel.tell_lead, refresh_announcement),
    on(ChannelMadePublic, refresh_entry_messages, channel.follow_opening_up),
    on(
        ChannelMadePrivateAgain,
        refresh_entry_messages,
        channel.ask_about_channel,
        channel.resume_posting,
    ),
    on(ChannelShared, refresh_entry_messages, post, channel.ask_about_channel),
    on(ChannelUnshared, refresh_entry_messages, channel.resume_posting),
    on(SharingAccepted, refresh_entry_messages, channel.resume_posting),
    on(MessagesRemoved, post),
    on(BotRemoved, channel.tell_lead),
    on(BotReturned, refresh_entry_messages, channel.show_topic, refresh_card),
    on(InviteRefused, channel.show_refused_invites),
    on(RefusedInvitesChanged, channel.show_refused_invites),
    on(StatusCardReplaced, channel.pin_card),
    on(ArchivingDue, channel.archive_channel),
    on(ChannelSuperfluous, channel.discard_channel),
    on(NewcomerArrived, channel.read_newcomer_in),
    # -- postmortem
    on(
        PostmortemDrafted,
        refresh_entry_messages,
        log,
        postmortem.upload_postmortem,
        postmortem.remind_of_postmortem,
        refresh_announcement,
    ),
    on(
        PostmortemOwnerSet,
        refresh_entry_messages,
        log,
        postmortem.tell_owner,
        postmortem.remind_of_postmortem,
    ),
    on(PostmortemEdited, log),
    on(
        PostmortemPublished,
        refresh_entry_messages,
        post,
        postmortem.upload_postmortem,
        postmortem.end_postmortem_reminder,
        refresh_announcement,
    ),
    on(PostmortemReminded, postmortem.remind_owner),
    on(ActionItemAdded, post, postmortem.tell_owner),
    on(ActionItemAssigned, refresh_entry_messages, post, postmortem.tell_owner),
    on(ActionItemDone, refresh_entry_messages, post),
    # -- proposals
    on(ActionProposed, proposals.put_proposal, learning.follow_learners),
    on(ProposalRevised, refresh_entry_messages, proposals.put_proposal, learning.follow_learners),
    on(ProposalApproved, refresh_entry_messages, proposals.reply, proposals.follow_answer),
    on(ProposalDeclined, refresh_entry_messages, proposals.reply, proposals.follow_end),
    on(ApprovalLapsed, refresh_entry_messages, proposals.speak_up, proposals.ask_again),
    on(ProposalUnanswered, proposals.say_unanswered, proposals.show_copies),
    on(ProposalExpired, refresh_entry_messages, proposals.follow_expiry),
    on(BreakGlass, refresh_entry_messages, proposals.speak_up, proposals.follow_break_glass),
    on(ResultAsked, proposals.ask_for_result),
    on(ProposalCarriedOut, refresh_entry_messages, proposals.reply, proposals.follow_end),
    on(ProposalAbandoned, refresh_entry_messages, proposals.reply, proposals.follow_end),
    on(ObjectionsAsked, proposals.speak_up, proposals.open_poll),
    on(ObjectionRaised, proposals.speak_up, proposals.tell_of_objection),
    on(ObjectionsEnded, refresh_entry_messages, proposals.reply, proposals.show_proposal),
    on(OthersConcerned, proposals.tell_concerned),
    on(WordsRedacted, proposals.erase_everywhere),
    # -- escalation
    on(
        Escalated,
        escalation.show_escalation,
        drills.wake_scenario,
        guidance.look_after_guided,
        learning.follow_learners,
    ),
    on(
        EscalationCalled,
        refresh_entry_messages,
        escalation.call_people,
        escalation.look_up_callees,
        escalation.wait_for_answer,
        escalation.show_escalation,
        learning.follow_learners,
    ),
    on(
        EscalationTaken,
        refresh_entry_messages,
        escalation.reply,
        escalation.stop_waiting,
        escalation.ask_later,
        escalation.bring_in_responder,
        escalation.tell_author,
        escalation.show_calls,
        escalation.show_escalation,
        drills.wake_scenario,
    ),
    on(EscalationDeclined, escalation.show_calls, escalation.show_escalation),
    on(EscalationRedirected, escalation.show_calls, escalation.show_escalation),
    on(
        EscalationQuestioned,
        refresh_entry_messages,
        escalation.tell_author,
        escalation.show_calls,
        escalation.show_escalation,
    ),
    on(
        EscalationCompleted,
        refresh_entry_messages,
        escalation.tell_asker,
        escalation.show_calls,
        escalation.show_escalation,
        guidance.look_after_guided,
        learning.follow_learners,
    ),
    on(
        EscalationExhausted,
        escalation.speak_up,
        escalation.stop_waiting,
        escalation.alarm,
        escalation.show_calls,
        escalation.show_escalation,
    ),
    on(
        EscalationWithdrawn,
        refresh_entry_messages,
        escalation.stop_waiting,
        escalation.tell_of_withdrawal,
        escalation.show_calls,
        escalation.show_escalation,
    ),
    on(NextStepTimed, escalation.wait_for_answer, escalation.show_escalation),
    on(CallNoted, escalation.show_escalation),
    on(EscalatedChanged, escalation.show_calls, escalation.show_escalation),
    # -- paging
    on(PagesMoved, paging.ask_pagers),
    on_workspace(TrialMoved, paging.follow_trial),
    on(PageAccepted, escalation.show_escalation),
    on(PageAcknowledged, escalation.reply, escalation.show_escalation),
    on(PageDeclined, escalation.reply, escalation.show_calls, escalation.show_escalation),
    on(PageEndedThere, escalation.reply, escalation.show_escalation),
    on(OnCallUnknown, escalation.speak_up),
    on(PageFailed, escalation.speak_up, escalation.show_escalation),
    on(CalledPersonCame, escalation.reply, escalation.show_calls, escalation.show_escalation),
    # -- drills
    on(DrillStarted, post, drills.bring_in_mentor),
    on(DrillSignal, ask),
    on(DrillChecked, post),
    on(DrillActed, post),
    on(DrillEnded, refresh_entry_messages, post, drills.send_scorecards),
    on(ScenarioAdvanced, drills.wait_for_next_step),
    # -- prompts
    on_workspace(PromptChanged, show_prompt),
    # -- guidance
    on_workspace(GuidanceAwaited, guidance.look_again),
    on_workspace(GuidanceBegun, guidance.start_time_box),
    # -- browse
    on_workspace(HomeOpened, browse.show_home),
    *(on(kind, browse.show_homes) for kind in CHANGE_WAITING),
    # -- learning
    on_workspace(ShadowingChanged, learning.show_shadowing),
    on_workspace(ShadowBroughtIn, learning.welcome_shadow),
    on_workspace(CallCopied, learning.copy_call),
    on_workspace(DebriefAsked, learning.show_debrief, learning.wait_for_debrief),
    on_workspace(DebriefUnwritten, learning.remind_of_debrief),
    on_workspace(
        DebriefWritten,
        learning.show_debrief,
        learning.show_in_reminder,
        learning.share_debrief,
        learning.stop_waiting,
    ),
    on_workspace(DebriefHidden, learning.show_debrief),
    on_workspace(WatchingChanged, learning.refresh_brief),
    on_workspace(ForwardOutdated, learning.refresh_forward),
    on_workspace(ConversationChanged, learning.show_conversation),
    on_workspace(JuniorAsked, learning.forward_to_mentor),
    # -- supervision
    on_workspace(StageSet, supervision.tell_of_stage),
    on_workspace(
        MentorshipChanged,
        supervision.tell_of_mentorship,
        supervision.wait_for_mentor_answers,
    ),
    on_workspace(RenewalExpected, supervision.remind_of_renewal),
    on_workspace(RenewalDue, supervision.tell_of_renewal),
    on_workspace(ProgressRequested, supervision.upload_progress),
    # -- people
    on_workspace(OwnDataRequested, people.send_own_data),
    # -- on call
    on_workspace(OverrideMade, on_call.tell_people),
    on_workspace(OverrideStopped, on_call.tell_people),
    # -- handover
    on_workspace(HandoverOffered, handover.show_note, handover.wait_for_acceptance),
    on_workspace(HandoverAccepted, handover.stop_waiting, handover.show_note, handover.tell_author),
    on_workspace(HandoverWithdrawn, handover.stop_waiting, handover.show_note),
    on_workspace(HandoverAsked, handover.tell_author, handover.show_note),
    on_workspace(
        HandoverAnswered, handover.tell_successor, handover.show_answer, handover.show_note
    ),
    on_workspace(HandoverRated, handover.show_note, handover.tell_mentors),
    on_workspace(HandoverWaiting, handover.tell_successor),
    on_workspace(HandoverUnaccepted, handover.tell_author),
    on_workspace(HandoverUndelivered, handover.tell_author),
    # -- maintenance
    on_workspace(
        MaintenanceChanged,
        updates.show_maintenance,
        updates.say_maintenance,
        updates.tell_of_maintenance,
        updates.time_maintenance,
    ),
)
