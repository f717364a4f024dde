// The .NET side of the tests: does what each line of its standard input says,
// "ID COMMAND ARGUMENT…", with the stream called ID, and answers with one line.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.IO.Pipes;
using System.Text;

class Peer
{
    PipeStream pipe;
    StreamReader reader;
    StreamWriter writer;
    Process child;

    static void Main()
    {
        var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var input = new StreamReader(Console.OpenStandardInput());
        var peers = new Dictionary<string, Peer>();
        for (string line; (line = input.ReadLine()) != null;)
        {
            var words = line.Split(new[] { ' ' }, 3);
            if (!peers.ContainsKey(words[0]))
                peers[words[0]] = new Peer();
            try
            {
                output.WriteLine(peers[words[0]].Do(words[1], words.Length > 2 ? words[2] : ""));
            }
            catch (Exception e)
            {
                output.WriteLine("error: " + e.GetType().Name + ": " + e.Message.Replace("\n", " "));
            }
        }
        foreach (var p in peers.Values)
            if (p.pipe != null)
                p.pipe.Dispose();
    }

    string Do(string command, string argument)
    {
        var words = argument.Split(' ');
        switch (command)
        {
            case "listen":
                pipe = new NamedPipeServerStream(words[0], Direction(words[1]), NamedPipeServerStream.MaxAllowedServerInstances);
                break;
            case "listen-messages":
                pipe = new NamedPipeServerStream(words[0], Direction(words[1]), NamedPipeServerStream.MaxAllowedServerInstances, PipeTransmissionMode.Message);
                break;
            case "accept":
                ((NamedPipeServerStream)pipe).WaitForConnection();
                break;
            case "connect":
                Connect(words, PipeOptions.None);
                break;
            case "connect-own":
                Connect(words, PipeOptions.CurrentUserOnly);
                break;
            case "by-message":
                pipe.ReadMode = PipeTransmissionMode.Message;
                break;
            case "inherit":
                pipe = new AnonymousPipeClientStream(Direction(words[1]), words[0]);
                break;
            case "parent":
                Parent(Direction(words[0]), words[1], words[2]);
                break;
            case "child":
                return "line " + child.StandardOutput.ReadLine();
            case "text":
                var text = Encoding.UTF8.GetBytes(argument);
                pipe.Write(text, 0, text.Length);
                break;
            case "message":
                return "message " + Message();
            case "take-text":
                TakeText(int.Parse(words[0]), words[1]);
                break;
            case "line":
                if (writer == null)
                    writer = new StreamWriter(pipe) { AutoFlush = true };
                writer.WriteLine(argument);
                break;
            case "line-with-mark":
                writer = new StreamWriter(pipe, Encoding.UTF8) { AutoFlush = true };
                writer.WriteLine(argument);
                break;
            case "readline":
                if (reader == null)
                    reader = new StreamReader(pipe);
                var line = reader.ReadLine();
                return line == null ? "end" : "line " + line;
            case "send":
                var data = new byte[int.Parse(argument)];
                for (var i = 0; i < data.Length; i++)
                    data[i] = (byte)(i % 251);
                pipe.Write(data, 0, data.Length);
                break;
            case "take":
                Take(int.Parse(argument));
                break;
            case "close":
                pipe.Dispose();
                break;
            default:
                throw new ArgumentException("no command " + command);
        }
        return "ok";
    }

    void Connect(string[] words, PipeOptions options)
    {
        var client = new NamedPipeClientStream(".", words[0], Direction(words[1]), options);
        pipe = client;
        client.Connect(20000);
    }

    // Parent starts a program with an argument and the handle of a pipe's other end.
    void Parent(PipeDirection direction, string program, string argument)
    {
        var server = new AnonymousPipeServerStream(direction, HandleInheritability.Inheritable);
        pipe = server;
        child = Process.Start(new ProcessStartInfo(program, argument + " " + server.GetClientHandleAsString())
        {
            UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, StandardOutputEncoding = Encoding.UTF8,
        });
        server.DisposeLocalCopyOfClientHandle();
    }

    string Message()
    {
        var message = new MemoryStream();
        var part = new byte[4];
        do
            message.Write(part, 0, pipe.Read(part, 0, part.Length));
        while (!pipe.IsMessageComplete);
        return Encoding.UTF8.GetString(message.ToArray());
    }

    void TakeText(int times, string text)
    {
        var data = Read(times * text.Length);
        for (var i = 0; i < data.Length; i++)
            if (data[i] != text[i % text.Length])
                throw new InvalidDataException("byte " + i + " is " + data[i]);
    }

    byte[] Read(int size)
    {
        var data = new byte[size];
        for (int at = 0, n; at < size; at += n)
            if ((n = pipe.Read(data, at, size - at)) == 0)
                throw new EndOfStreamException("ended after " + at + " bytes");
        return data;
    }

    static PipeDirection Direction(string word)
    {
        return (PipeDirection)Enum.Parse(typeof(PipeDirection), word);
    }

    void Take(int size)
    {
        var data = Read(size);
        for (var i = 0; i < size; i++)
            if (data[i] != i % 251)
                throw new InvalidDataException("byte " + i + " is " + data[i]);
    }
}
