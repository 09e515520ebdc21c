/** The job: how the steps that a span goes through are put together. */
package io.spanfold;
