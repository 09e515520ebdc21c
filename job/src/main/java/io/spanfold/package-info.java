/** The main class. It reads like the picture of the pipeline in the README. */
package io.spanfold;
