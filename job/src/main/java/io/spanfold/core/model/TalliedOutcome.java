package io.spanfold.core.model;

/**
 * An outcome that is written by itself, not with a part, so it bears an id of its own: by it the
 * outcome is found again in the topic where the broker cannot tell whether it was committed.
 *
 * @param id 32 hexadecimal digits that no other outcome has
 * @param outcome what is told
 */
public record TalliedOutcome(String id, Outcome outcome) {}
