package io.spanfold.core.model;

/** What becomes of source records that are not processed. */
public sealed interface Reject permits DeadLetter, TalliedOutcome {}
