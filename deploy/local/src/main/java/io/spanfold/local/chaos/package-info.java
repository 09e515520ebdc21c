/**
 * The {@code chaos} command: faults under load, with every span accounted for.
 *
 * <p>{@code ChaosRun} sends traces with a {@code LoadSender}, injects the faults of a {@code
 * FaultSchedule} and checks what an {@code OutputReader} reads; {@code ChaosReport} formats the
 * result.
 */
package io.spanfold.local.chaos;
