"""Pages in headless Chromium, over its debugging pipe; nothing but Python's own library is needed.

    browser.py check PAGE...        every page at 1280 and 400 px, light and dark: nothing is wider than the window,
                                    no text lies on other text, text stands out from its ground, nothing is loaded
    browser.py shoot FOLDER PAGE... pictures of the same, and the page as printed (PDF)

Exit code 77: there is no Chromium ($CHROMIUM, or chromium on the path).
"""
import base64
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MEASURE = r"""(() => {
  const out = {wide: document.documentElement.scrollWidth - document.documentElement.clientWidth, overlaps: [], faint: [],
               texts: 0, height: document.documentElement.scrollHeight};
  const hidden = e => { for (; e; e = e.parentElement) { const s = getComputedStyle(e);
    if (s.display == 'none' || s.visibility == 'hidden') return true; } return false; };
  const rgba = text => { const v = text.match(/[\d.]+/g).map(Number);  // color(srgb r g b / a) has shares
    const k = text.startsWith('color(') ? 255 : 1; return [v[0] * k, v[1] * k, v[2] * k, v.length > 3 ? v[3] : 1]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3]));
  const ground = e => { const layers = []; for (; e; e = e.parentElement) layers.push(rgba(getComputedStyle(e).backgroundColor));
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255]); };
  const light = c => { const f = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    return .2126 * f(c[0]) + .7152 * f(c[1]) + .0722 * f(c[2]); };
  // The part of a box that its scrolling or clipping ancestors show.
  const seen = (r, e) => { let [l, t, x, b] = [r.left, r.top, r.right, r.bottom];
    for (; e && e !== document.documentElement; e = e.parentElement) { if (getComputedStyle(e).overflowX === 'visible') continue;
      const c = e.getBoundingClientRect(); l = Math.max(l, c.left); t = Math.max(t, c.top); x = Math.min(x, c.right); b = Math.min(b, c.bottom); }
    return {l, t, r: x, b}; };
  const boxes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, e = node.parentElement, text = node.textContent.trim();
    if (!text || e.closest('script,style,title,details:not([open]) > :not(summary)') || hidden(e)) continue;
    ++out.texts;
    const style = getComputedStyle(e), svg = e.closest('svg');
    const ink = rgba(svg ? style.fill : style.color), paper = ground(svg || e), shown = over(ink, paper);
    const [a, b] = [light(shown), light(paper)].sort((p, q) => q - p);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5 && out.faint.length < 5) out.faint.push(`'${text.slice(0, 40)}' ${ratio.toFixed(2)}`);
    const range = document.createRange(); range.selectNodeContents(node);
    const m = svg && e.getScreenCTM();
    if (m && Math.abs(m.a * m.b) > .01) continue;  // slanted: its box says little
    for (const r of range.getClientRects()) { const s = seen(r, e); if (s.r - s.l > 1 && s.b - s.t > 1) boxes.push({...s, text, node}); }
  }
  boxes.sort((a, b) => a.t - b.t);
  for (let i = 0; i < boxes.length; ++i) for (let j = i + 1; j < boxes.length && boxes[j].t < boxes[i].b; ++j) {
    const a = boxes[i], b = boxes[j];
    if (a.node !== b.node && Math.min(a.r, b.r) - Math.max(a.l, b.l) > 2 && Math.min(a.b, b.b) - b.t > 4 && out.overlaps.length < 5)
      out.overlaps.push(`'${a.text.slice(0, 40)}' and '${b.text.slice(0, 40)}'`);
  }
  return JSON.stringify(out);
})()"""


class Browser:
    def __init__(self):
        program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
        if not program or not shutil.which(program):
            print("skipped: no Chromium (apt-get install chromium, or name one in $CHROMIUM)")
            sys.exit(77)
        self.profile = tempfile.mkdtemp()
        to_child, self.to = os.pipe()
        self.of, from_child = os.pipe()

        def wire():  # the child reads commands from 3 and answers on 4
            a, b = os.dup(to_child), os.dup(from_child)
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.close(a)
            os.close(b)

        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={self.profile}", "about:blank"],
            preexec_fn=wire, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_child)
        os.close(from_child)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime"):
            self.call(domain + ".enable")

    def read(self):
        while b"\0" not in self.buffer:
            part = os.read(self.of, 1 << 20)
            assert part, "Chromium ended"
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, page, width, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        self.call("Page.navigate", url=pathlib.Path(page).resolve().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.read())
        return json.loads(self.call("Runtime.evaluate", expression=MEASURE)["result"]["value"])

    def loaded(self):
        urls = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return [u for u in urls[1:] if not u.startswith("data:")]

    def close(self):
        self.session = None
        self.call("Browser.close")
        self.process.wait(20)
        shutil.rmtree(self.profile, ignore_errors=True)


def main():
    verb, names = (sys.argv[1:2] or ["help"])[0], sys.argv[2:]
    if verb not in ("check", "shoot") or not names:
        sys.exit(__doc__)
    browser, bad = Browser(), 0
    folder = pathlib.Path(names.pop(0)) if verb == "shoot" else None
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    for page in names:
        stem = pathlib.Path(page).stem
        for width in (1280, 400):
            for scheme in ("light", "dark"):
                seen = browser.open(page, width, scheme)
                problems = [f"{seen['wide']} px wider than the window"] if seen["wide"] > 0 else []
                problems += ["text on text: " + o for o in seen["overlaps"]] + ["faint: " + f for f in seen["faint"]]
                problems += ["loads " + url for url in browser.loaded()]
                problems += ["has no text"] if seen["texts"] < 10 else []
                bad += len(problems)
                for problem in problems:
                    print(f"{page}, {width} px, {scheme}: {problem}")
                if folder:
                    height = min(seen["height"], 6000)
                    shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                                        clip=dict(x=0, y=0, width=width, height=height, scale=1))
                    (folder / f"{stem}-{width}-{scheme}.png").write_bytes(base64.b64decode(shot["data"]))
        if folder:
            pdf = browser.call("Page.printToPDF", printBackground=True)
            (folder / f"{stem}.pdf").write_bytes(base64.b64decode(pdf["data"]))
    browser.close()
    print(f"{len(names)} pages, {bad} problems")
    sys.exit(bad > 0)


main()
