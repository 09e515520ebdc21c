/** The types of what flows through the pipeline. */
package io.spanfold.core.model;
