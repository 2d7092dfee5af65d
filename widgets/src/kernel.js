/** What a page hears of the kernel behind a model. */

/**
 * Listen to a model until the returned function is called.
 * @param {any} model
 * @param {(message: any, buffers: DataView[]) => void} receive
 * @param {() => void} lose called once, when the kernel was restarted or died
 * @returns {() => void}
 */
export function listenTo(model, receive, lose) {
  model.on("msg:custom", receive);
  // Not of anywidget's own protocol: Jupyter's widgets say so once.
  model.on("comm_live_update", lose);
  return () => {
    model.off("msg:custom", receive);
    model.off("comm_live_update", lose);
  };
}
