/**
 * How the types of {@code io.spanfold.model} are written, in state and on the wire, so that they
 * can evolve.
 */
package io.spanfold.job.serialization;
