package io.spanfold.core.model;

/** The output for source records that are not processed. */
public sealed interface Reject permits DeadLetter, TalliedOutcome {}
