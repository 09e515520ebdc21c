/**
 * How the types of {@code io.spanfold.core} are written, in state and between operators: {@link
 * io.spanfold.job.serialization.StateType} is the table of them all.
 */
package io.spanfold.job.serialization;
