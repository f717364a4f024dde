// A member of the chat in C#. Compile and run it with mono, or add it to a project of .NET:
//
//   mcs -r:System.Core.dll Client.cs && mono Client.exe hall grace
using System;
using System.Globalization;
using System.IO;
using System.IO.Pipes;
using System.Text;
using System.Threading;

static class Client
{
    static StreamWriter writer;

    static int Main(string[] args)
    {
        if (args.Length != 2)
        {
            Console.Error.WriteLine("usage: Client ROOM NAME");
            return 2;
        }
        var utf8 = new UTF8Encoding(false); // without a byte order mark
        Console.SetIn(new StreamReader(Console.OpenStandardInput(), utf8));
        Console.SetOut(new StreamWriter(Console.OpenStandardOutput(), utf8) { AutoFlush = true });
        // Asynchronous, or on Windows a Write would wait for the Read of the other thread.
        using (var pipe = new NamedPipeClientStream(".", args[0], PipeDirection.InOut, PipeOptions.Asynchronous))
        {
            try
            {
                pipe.Connect(5000); // milliseconds; the server may start later
                writer = new StreamWriter(pipe, utf8) { AutoFlush = true, NewLine = "\n" };
                return Talk(new StreamReader(pipe, utf8), args[1]);
            }
            catch (Exception e) when (e is IOException || e is TimeoutException)
            {
                Console.Error.WriteLine(e.Message);
                return 1;
            }
        }
    }

    static int Talk(StreamReader reader, string name)
    {
        Send("join " + name);
        string[] welcome = (reader.ReadLine() ?? "refused the server has gone").Split(' ');
        int timeout = 0; // in milliseconds
        bool welcomed = welcome.Length > 1 && welcome[0] == "welcome" && int.TryParse(welcome[1], out timeout) && timeout > 2;
        if (!welcomed)
        {
            Console.Error.WriteLine("the server says: " + Printable(string.Join(" ", welcome)));
            return 1;
        }
        Console.WriteLine("* you are " + name);
        using (new Timer(_ => Send("alive"), null, timeout / 3, timeout / 3))
        {
            new Thread(Type) { IsBackground = true }.Start();
            string line;
            while ((line = reader.ReadLine()) != null)
            {
                string[] words = (Printable(line) + "  ").Split(new[] { ' ' }, 3);
                switch (words[0])
                {
                    case "said": Console.WriteLine("<" + words[1] + "> " + words[2].TrimEnd()); break;
                    case "joined": Console.WriteLine("* " + words[1] + " joined"); break;
                    case "left": Console.WriteLine("* " + words[1] + " is gone: " + words[2].TrimEnd()); break;
                    case "bye":
                        Console.WriteLine("* bye: " + words[1]);
                        return words[1] == "left" || words[1] == "closing" ? 0 : 1;
                }
            }
        }
        Console.Error.WriteLine("the server was lost");
        return 1;
    }

    // Printable returns a text that does nothing to a terminal but appear on it.
    static string Printable(string text)
    {
        var shown = new StringBuilder();
        foreach (char c in text)
        {
            var category = char.GetUnicodeCategory(c);
            bool hidden = category == UnicodeCategory.Control || category == UnicodeCategory.Format
                || category == UnicodeCategory.LineSeparator || category == UnicodeCategory.ParagraphSeparator;
            shown.Append(hidden ? '\uFFFD' : c);
        }
        return shown.ToString();
    }

    // Type says what is typed, and leaves at the end of it.
    static void Type()
    {
        string line;
        while ((line = Console.ReadLine()) != null)
            if (line != "")
                Send("say " + line);
        Send("leave");
    }

    static void Send(string line)
    {
        try
        {
            lock (writer)
                writer.WriteLine(line);
        }
        catch (Exception e) when (e is IOException || e is ObjectDisposedException)
        {
            // The server has closed: what it said before that is still to be read.
        }
    }
}
