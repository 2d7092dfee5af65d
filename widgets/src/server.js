/** The server of a page, where it is Jupyter's: files that it has are opened there. */

import { make } from "./dom.js";

/**
 * Return a file's path as the server has it, if it lies under its root.
 * @param {string} path
 * @param {string} root as the page's configuration has it: `~/work`
 * @param {string} home
 */
export function underRoot(path, root, home) {
  const whole = (root.startsWith("~") ? home + root.slice(1) : root).replace(/\/+$/, "");
  return root && path.startsWith(`${whole}/`) ? path.slice(whole.length + 1) : "";
}

/**
 * Open a file of the kernel's machine beside the page; whether that was possible.
 * @param {any} manager Jupyter's widget manager, as far as the front end has one
 * @param {string} path
 * @param {string} home the person's own folder there
 */
export async function openFile(manager, path, home) {
  try {
    const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
    const place = underRoot(path, String(config.serverRoot ?? ""), home);
    if (!place) return false;
    const address = place.split("/").map(encodeURIComponent).join("/");
    const headers = config.token ? { Authorization: `token ${config.token}` } : undefined;
    // A server that hides folders such as `.local` says that there is none.
    const found = await fetch(`${config.baseUrl}api/contents/${address}?content=0`, headers ? { headers } : {});
    if (!found.ok) return false;
    const inLab = /lab/i.test(String(config.appName ?? "")) && manager?.rendermime?.linkHandler;
    if (!inLab) {
      const app = /lab/i.test(String(config.appName ?? "")) ? "lab/tree" : "notebooks";
      return Boolean(window.open(`${config.baseUrl}${app}/${address}`, "_blank"));
    }
    const link = make("a");
    link.hidden = true;
    document.body.append(link);
    inLab.handleLink(link, place, "");
    link.click();
    link.remove();
    return true;
  } catch {
    return false;
  }
}
