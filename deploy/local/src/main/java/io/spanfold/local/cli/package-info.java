/** What all commands share: arguments, progress output, and the two ways in which a run fails. */
package io.spanfold.local.cli;
