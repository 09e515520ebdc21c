/**
 * The fold: which spans belong to one segment, in which parts they leave, and when. Its time is
 * that of the records.
 */
package io.spanfold.core.fold;
