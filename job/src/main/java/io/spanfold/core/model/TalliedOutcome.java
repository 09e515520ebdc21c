package io.spanfold.core.model;

/**
 * An outcome that sums up dropped spans. It belongs to no part, so it has an id of its own, for a
 * search of the topic if the broker does not know whether it was committed.
 *
 * @param id 32 hexadecimal digits that no other outcome has
 */
public record TalliedOutcome(String id, Outcome outcome) implements Reject {}
