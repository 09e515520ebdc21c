/** Puts the pipeline together: makes its steps from the configuration. */
package io.spanfold.job;
