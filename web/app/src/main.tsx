import "../../pages/style.css";
import "./design/screens.css";
import "./todos/todos.css";
import "./design/theme.ts";
import { render } from "preact";
import { App } from "./App.tsx";
import { stayReady } from "./offline/register.ts";
import { recognise } from "./session/session.ts";
import { preferred, speak } from "./words/index.ts";

await speak(preferred()).catch(() => speak("en"));
render(<App />, document.getElementById("page")!);
void recognise();
stayReady();
